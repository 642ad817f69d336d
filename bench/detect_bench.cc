// Decoding and matching speed, one thread, with ratios to fixed work on the same bytes in the same run.
//
//   detect_bench --rules DIR [--rules DIR]... [--seconds S] [--sample-costs N] [--tsv] LANE...
//
// A lane is a file (NDJSON or EVTX), or a folder whose .evtx files count as one; read into memory. For each: simdjson
// alone touching every field (NDJSON) and memchr, decoding alone, decoding and matching with all rules, and with every
// fourth rule: each of the four quarters of the rules, sorted by path, as they differ much. Each figure is the sum of the
// best times of each block over many passes, in processor time of the thread.
// --sample-costs: what it adds that every Nth event is timed rule by rule, as `tocsin serve` does with 251.
// --tsv: names and values under a header, for tools/run_benchmarks.py.
#include <simdjson.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/windows_names.h"
#include "detect/engine.h"

namespace {

using namespace tocsin;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBlockBytes = 256 * 1024;
double g_seconds = 1.5;
bool g_tsv = false;
std::uint32_t g_sample = 0;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Processor time of this thread: what others do on the machine counts less than on a wall clock.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

// The best of many passes, each cut into parts: the sum of each part's best. `pass(part)` returns false past the last.
double best_of(const std::function<bool(std::size_t)>& pass) {
  std::vector<double> best;
  double total = 0;
  for (int i = 0; i < 3 || (total < g_seconds && i < 500); ++i) {
    for (std::size_t part = 0;; ++part) {
      const double begin = thread_seconds();
      if (!pass(part)) break;
      const double seconds = thread_seconds() - begin;
      total += seconds;
      if (part == best.size())
        best.push_back(seconds);
      else
        best[part] = std::min(best[part], seconds);
    }
  }
  double sum = 0;
  for (const double seconds : best) sum += seconds;
  return sum;
}

// The text in whole-line parts of about a block each.
std::vector<std::string_view> parts_of(std::string_view text, std::size_t part_bytes) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    std::size_t end = part_bytes >= text.size() ? text.size() : text.find('\n', part_bytes);
    end = end >= text.size() ? text.size() : end + 1;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

volatile std::uint64_t g_sink;

// Every scalar of every event as a view, none copied where it need not be.
void touch(simdjson::ondemand::value value, std::uint64_t& sum) {
  switch (value.type()) {
    case simdjson::ondemand::json_type::object:
      for (auto field : value.get_object()) {
        sum += std::string_view(field.unescaped_key()).size();
        touch(field.value(), sum);
      }
      break;
    case simdjson::ondemand::json_type::array:
      for (auto item : value.get_array()) touch(item.value(), sum);
      break;
    case simdjson::ondemand::json_type::string: sum += std::string_view(value.get_string()).size(); break;
    default: sum += value.raw_json_token().size();
  }
}

void walk_json(simdjson::ondemand::parser& parser, std::string_view text) {
  std::uint64_t sum = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    const char* line_end = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (line_end == nullptr) line_end = end;
    const auto size = static_cast<std::size_t>(line_end - at);
    if (size > 0) {
      auto document = parser.iterate(at, size, size + simdjson::SIMDJSON_PADDING);
      for (auto field : document.get_object()) {
        sum += std::string_view(field.unescaped_key()).size();
        touch(field.value(), sum);
      }
    }
    at = line_end + 1;
  }
  g_sink = sum;
}

void scan_bytes(std::string_view text) {
  std::uint64_t count = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  while ((at = static_cast<const char*>(std::memchr(at, '\xFF', static_cast<std::size_t>(end - at)))) != nullptr) {
    ++count;
    ++at;
  }
  g_sink = count;
}

struct Pass {
  std::uint64_t events = 0, matches = 0, candidates = 0;
  std::uint64_t record_bytes = 0;  // Of the native records: EVTX files hold much that is none.
};

struct Figures {
  double seconds = 0;
  Pass pass;
};

// The bytes cut into blocks as the pipeline does it.
std::vector<std::string_view> blocks_of(std::string_view all, decode::Decoder& decoder) {
  std::vector<std::string_view> out;
  while (!all.empty()) {
    const std::size_t size = std::min(kBlockBytes, all.size());
    std::size_t cut = decoder.cut(all.substr(0, size), size == all.size());
    if (cut == 0) cut = all.size();
    out.push_back(all.substr(0, cut));
    all.remove_prefix(cut);
  }
  return out;
}

// One lane: texts of one format, each followed by padding.
struct Lane {
  std::string name;
  std::vector<std::string> texts;  // With kPadding bytes behind.
  model::Format format = model::Format::kUnknown;
  double megabytes = 0;

  static constexpr std::size_t kPadding = std::max<std::size_t>(decode::kPaddingBytes, simdjson::SIMDJSON_PADDING);
  [[nodiscard]] std::string_view bytes(std::size_t i) const {
    return std::string_view(texts[i]).substr(0, texts[i].size() - kPadding);
  }
};

Lane read_lane(const std::string& path) {
  Lane out;
  out.name = std::filesystem::path(path).stem().string();
  std::vector<std::string> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.path().extension() == ".evtx") files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  for (const std::string& file : files) {
    std::string text = read_file(file);
    if (text.empty()) continue;
    out.megabytes += static_cast<double>(text.size()) / 1e6;
    if (out.texts.empty()) out.format = decode::sniff(std::string_view(text).substr(0, 65536));
    text.resize(text.size() + Lane::kPadding);
    out.texts.push_back(std::move(text));
  }
  return out;
}

// `rules` null: decoding only. `sample`: every so manieth event is timed rule by rule.
Figures measure(const Lane& lane, const detect::CompiledRules* rules, std::uint32_t sample = 0) {
  model::NameTable names;
  model::Batch batch(names);
  const auto decoder = decode::make_decoder_for(lane.format, lane.bytes(0).substr(0, 65536), {});
  const auto engine = rules == nullptr ? nullptr : std::make_unique<detect::Engine>(*rules, names);
  if (engine && sample > 0) engine->sample_costs(steady_ns, sample);
  std::vector<std::string_view> blocks;
  for (std::size_t i = 0; i < lane.texts.size(); ++i) {
    for (const std::string_view block : blocks_of(lane.bytes(i), *decoder)) blocks.push_back(block);
  }
  std::vector<detect::Match> matches;
  Figures out;
  bool counting = true;
  out.seconds = best_of([&](std::size_t part) {
    if (part >= blocks.size()) {
      counting = false;
      return false;
    }
    batch.clear();
    decoder->decode(blocks[part], batch);
    std::size_t found = 0;
    for (std::size_t i = 0; engine != nullptr && i < batch.size(); ++i) {
      matches.clear();
      engine->match(batch.event(i), matches);
      found += matches.size();
    }
    if (counting) {
      out.pass.events += batch.size();
      for (const model::EventSlot& slot : batch.slots()) out.pass.record_bytes += slot.raw.size();
      out.pass.matches += found;
      if (engine != nullptr) out.pass.candidates = engine->stats().candidate_rules;
    }
    return true;
  });
  return out;
}

detect::LogSourceMap load_sources(const std::string& folder) {
  std::vector<detect::SourceText> texts;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    texts.push_back({entry.path().string(), read_file(entry.path())});
  return detect::load_log_sources(texts);
}

double measure_memchr(const Lane& lane) {
  return best_of([&](std::size_t part) {
    if (part >= lane.texts.size()) return false;
    scan_bytes(lane.bytes(part));
    return true;
  });
}

double measure_simdjson(const Lane& lane) {
  if (lane.format != model::Format::kJson) return 0;
  simdjson::ondemand::parser parser;
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; i < lane.texts.size(); ++i) {
    for (const std::string_view part : parts_of(lane.bytes(i), kBlockBytes)) parts.push_back(part);
  }
  return best_of([&](std::size_t part) {
    if (part >= parts.size()) return false;
    walk_json(parser, parts[part]);
    return true;
  });
}

constexpr std::size_t kQuarters = 4;

void report(const Lane& lane, const detect::CompiledRules& all,
            const std::vector<std::unique_ptr<detect::CompiledRules>>& quarters) {
  if (lane.texts.empty()) return;
  const double memchr_seconds = measure_memchr(lane);
  const double simdjson_seconds = measure_simdjson(lane);
  const Figures decoding = measure(lane, nullptr);
  const Figures with_all = measure(lane, &all);
  double quarter_seconds = 0;  // The mean of the four.
  double fastest = 0;
  double slowest = 0;
  for (const auto& quarter : quarters) {
    const double seconds = measure(lane, quarter.get()).seconds;
    quarter_seconds += seconds / kQuarters;
    fastest = fastest == 0 ? seconds : std::min(fastest, seconds);
    slowest = std::max(slowest, seconds);
  }
  const auto rate = [&](double seconds) { return seconds > 0 ? lane.megabytes / seconds : 0; };
  const auto events = static_cast<double>(with_all.pass.events);
  const auto event_count = static_cast<unsigned long long>(with_all.pass.events);
  const auto match_count = static_cast<unsigned long long>(with_all.pass.matches);
  const double ns = with_all.seconds * 1e9 / events;
  const double decode_ns = decoding.seconds * 1e9 / events;
  const double candidates = static_cast<double>(with_all.pass.candidates) / events;
  if (g_tsv) {
    std::printf("%s\t%.3f\t%llu\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%llu\t%.2f\t%.3f\n", lane.name.c_str(), lane.megabytes,
                event_count, rate(memchr_seconds), rate(simdjson_seconds), rate(decoding.seconds), rate(with_all.seconds),
                rate(quarter_seconds), match_count, candidates, static_cast<double>(with_all.pass.record_bytes) / 1e6);
    return;
  }
  std::printf(
      "%-26s %6.1f MB %7llu ev | memchr %6.0f | simdjson %5.0f | decode %5.0f | match %5.0f MB/s | %5.0f ns/ev (decode "
      "%5.0f) | "
      "vs simdjson %.2f | all/quarter %.2f (%.2f to %.2f) | %llu matches | %.1f cand/ev\n",
      lane.name.c_str(), lane.megabytes, event_count, rate(memchr_seconds), rate(simdjson_seconds), rate(decoding.seconds),
      rate(with_all.seconds), ns, decode_ns, simdjson_seconds / with_all.seconds, with_all.seconds / quarter_seconds,
      with_all.seconds / slowest, with_all.seconds / fastest, match_count, candidates);
  if (g_sample == 0) return;
  double plain = 0, timed = 0;  // In turn, so that what else the machine does is the same for both.
  for (int i = 0; i < 3; ++i) {
    plain += measure(lane, &all).seconds;
    timed += measure(lane, &all, g_sample).seconds;
  }
  std::printf("%-26s costs of rules, one event of %u: decode and match take %.4f of the time without\n", lane.name.c_str(),
              g_sample, timed / plain);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<detect::SourceText> texts;
  std::vector<std::string> files;
  std::string mappings = "content/mappings/logsources";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--rules" && i + 1 < argc) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[++i])) {
        const std::string path = entry.path().string();
        if (path.ends_with(".yml") && !path.ends_with(".test.yml")) texts.push_back({path, read_file(path)});
      }
    } else if (argument == "--seconds" && i + 1 < argc) {
      g_seconds = std::strtod(argv[++i], nullptr);
    } else if (argument == "--sample-costs" && i + 1 < argc) {
      g_sample = static_cast<std::uint32_t>(std::strtoul(argv[++i], nullptr, 10));
    } else if (argument == "--tsv") {
      g_tsv = true;
    } else {
      files.push_back(argument);
    }
  }
  detect::LoadOptions options;
  options.canonical_name = [](std::string_view name) { return decode::canonical_name(name); };
  std::sort(texts.begin(), texts.end(),
            [](const detect::SourceText& a, const detect::SourceText& b) { return a.path < b.path; });
  const auto begin = Clock::now();
  const detect::RuleSet rules = detect::load_rules(texts, options);
  const double load_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (g_tsv)
    std::printf(
        "rules\t%zu\nlane\tmegabytes\tevents\tmemchr\tsimdjson\tdecode\tmatch\tmatch_quarter\tmatches\tcandidates\trecord_"
        "megabytes\n",
        rules.rules.size());
  else
    std::printf("%zu rules loaded in %.3f s\n", rules.rules.size(), load_seconds);
  const detect::LogSourceMap sources = load_sources(mappings);
  const detect::CompiledRules all(rules, sources, {});
  std::vector<std::unique_ptr<detect::CompiledRules>> quarters;
  for (std::size_t first = 0; first < kQuarters; ++first) {
    detect::CompileOptions fourth;
    fourth.enabled.resize(rules.rules.size());
    for (std::size_t i = first; i < fourth.enabled.size(); i += kQuarters) fourth.enabled[i] = true;
    quarters.push_back(std::make_unique<detect::CompiledRules>(rules, sources, fourth));
  }
  for (const std::string& file : files) report(read_lane(file), all, quarters);
}
