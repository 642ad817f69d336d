// Recorded events for tests: files decoded event by event, and the public rules. Used by tests only.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/windows_names.h"
#include "detect/log_source_map.h"
#include "detect/rule_set.h"
#include "source/block_reader.h"
#include "source/file_input.h"
#include "testing/paths.h"

namespace tocsin {

namespace fs = std::filesystem;

// Files below `folder` whose name ends so, sorted.
inline std::vector<fs::path> files_under(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> out;
  if (!fs::is_directory(folder)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().string().ends_with(ending)) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Calls `take` with each event of the file, of all members of an archive.
inline void read_events(const fs::path& path, model::NameTable& names,
                        const std::function<void(const model::Event&)>& take) {
  const source::InputList list = source::list_inputs(std::vector<std::string>{path.string()});
  for (const source::Input& input : list.inputs) {
    source::InputReader reader(input);
    while (source::Stream* stream = reader.next()) {
      const std::string head(stream->head());
      const model::Format format = decode::sniff(head);
      if (format == model::Format::kUnknown) continue;
      const auto decoder = decode::make_decoder_for(format, head, {});
      source::ProblemLog problems;
      source::BlockReader blocks(
          *stream, [&](std::string_view buffer, bool last) { return decoder->cut(buffer, last); }, problems);
      model::Batch batch(names);
      while (auto block = blocks.next()) {
        batch.clear();
        batch.set_owner(block->owner);
        decoder->decode(block->bytes, batch);
        if (block->last) decoder->finish(batch);
        for (std::size_t i = 0; i < batch.size(); ++i) take(batch.event(i));
      }
    }
  }
}

// The rules below a folder of the shared data, with field names as the decoders give them.
inline detect::RuleSet load_public_rules(const fs::path& sigma) {
  std::vector<detect::SourceText> sources;
  for (const char* folder : {"rules", "rules-emerging-threats", "rules-threat-hunting"}) {
    for (const fs::path& path : files_under(sigma / folder, ".yml"))
      sources.push_back({path.string(), testing::read_file(path)});
  }
  detect::LoadOptions options;
  options.canonical_name = [](std::string_view name) { return decode::canonical_name(name); };
  return detect::load_rules(sources, options);
}

inline detect::LogSourceMap windows_sources() {
  const fs::path path = testing::project_root() / "content/mappings/logsources/windows.yml";
  return detect::load_log_sources({{path.string(), testing::read_file(path)}});
}

// 1, or what TOCSIN_LONG_TESTS says: how much longer the tests may run.
inline std::size_t long_tests() {
  const char* text = std::getenv("TOCSIN_LONG_TESTS");
  return text == nullptr ? 1 : std::max<std::size_t>(1, std::strtoul(text, nullptr, 10));
}

}  // namespace tocsin
