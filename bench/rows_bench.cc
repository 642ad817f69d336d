// What it takes to make stored rows of decoded events, beside decoding them, one thread.
//
//   rows_bench FILE...    logs of any format; run from the project's root (content/mappings). Prints for each: nanoseconds
//                         an event for decoding and for rows, their ratio, and how many attributes a row has.
// Each figure is the best of some passes over the first 8 MB.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "decode/decoder.h"
#include "normalise/rows.h"

namespace {

using namespace tocsin;
namespace fs = std::filesystem;

constexpr std::size_t kMaxBytes = 8u << 20;
constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr int kPasses = 15;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<normalise::MappingText> read_mappings() {
  std::vector<normalise::MappingText> out;
  for (const auto& entry : fs::directory_iterator("content/mappings/ocsf")) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".test.yml")) out.push_back({path, read_file(path)});
  }
  out.push_back({"content/mappings/columns.yml", read_file("content/mappings/columns.yml")});
  return out;
}

struct Figures {
  double decode_seconds = 0, row_seconds = 0;
  std::size_t event_count = 0, attribute_count = 0;
};

Figures run_once(std::string_view bytes, model::Format format, const normalise::Mapper& mapper) {
  using Clock = std::chrono::steady_clock;
  const auto decoder = decode::make_decoder_for(format, bytes.substr(0, 65'536), {});
  model::NameTable names;
  model::Batch batch(names);
  normalise::RowMaker maker(mapper, names);
  core::Arena arena;
  model::EventRow row;
  Figures out;
  while (!bytes.empty()) {
    const std::size_t size = std::min(kBlockBytes, bytes.size());
    std::size_t cut = decoder->cut(bytes.substr(0, size), size == bytes.size());
    if (cut == 0) cut = bytes.size();
    batch.clear();
    const auto begin = Clock::now();
    decoder->decode(bytes.substr(0, cut), batch);
    const auto decoded = Clock::now();
    arena.reset();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      maker.make(batch.event(i), {}, arena, row);
      out.attribute_count += row.attributes.size();
    }
    out.row_seconds += std::chrono::duration<double>(Clock::now() - decoded).count();
    out.decode_seconds += std::chrono::duration<double>(decoded - begin).count();
    out.event_count += batch.size();
    bytes.remove_prefix(cut);
  }
  return out;
}

void measure(const char* path, const normalise::Mapper& mapper) {
  std::string text = read_file(path);
  const std::size_t size = std::min(text.size(), kMaxBytes);
  text.resize(std::max(text.size(), size + decode::kPaddingBytes));
  const std::string_view bytes = std::string_view(text).substr(0, size);
  const model::Format format = decode::sniff(bytes.substr(0, 65'536));
  Figures best;
  best.decode_seconds = best.row_seconds = std::numeric_limits<double>::max();
  for (int i = 0; i < kPasses; ++i) {
    const Figures pass = run_once(bytes, format, mapper);
    best.decode_seconds = std::min(best.decode_seconds, pass.decode_seconds);
    best.row_seconds = std::min(best.row_seconds, pass.row_seconds);
    best.event_count = pass.event_count;
    best.attribute_count = pass.attribute_count;
  }
  if (best.event_count == 0) return;
  const auto events = static_cast<double>(best.event_count);
  std::printf("%-30s %7zu events | decode %6.0f ns | row %6.0f ns an event | row / decode %.2f | %.1f attributes\n",
              fs::path(path).filename().string().c_str(), best.event_count, best.decode_seconds * 1e9 / events,
              best.row_seconds * 1e9 / events, best.row_seconds / best.decode_seconds,
              static_cast<double>(best.attribute_count) / events);
}

}  // namespace

int main(int argc, char** argv) {
  const normalise::Mapper mapper(read_mappings());
  for (const normalise::MappingProblem& problem : mapper.problems())
    std::fprintf(stderr, "%s:%u: %s\n", problem.path.c_str(), problem.line, problem.message.c_str());
  for (int i = 1; i < argc; ++i) measure(argv[i], mapper);
}
