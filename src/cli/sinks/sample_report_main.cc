// Writes a report of made-up findings, for the browser test: sample_report COUNT FILE; 0 is the small intrusion.
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "cli/sinks/sample_findings.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: sample_report COUNT FILE\n";
    return 2;
  }
  const std::size_t count = std::strtoul(argv[1], nullptr, 10);
  const auto samples = count == 0 ? tocsin::cli::testing::intrusion() : tocsin::cli::testing::many(count);
  std::ofstream out(argv[2], std::ios::binary);
  const auto sink = tocsin::cli::make_html_sink(out);
  for (const tocsin::cli::Found& found : samples.found) sink->add(found);
  sink->finish(samples.summary);
  return out.flush() ? 0 : 1;
}
