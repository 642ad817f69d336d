// How fast JSON becomes fields, beside what simdjson alone takes to touch every field of the same bytes.
//
//   json_bench FILE...    NDJSON files; prints MB/s of each way and how much longer the decoder takes.
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>

#include "decode/json/json_decoder.h"

namespace {

namespace ondemand = simdjson::ondemand;

struct Sink {
  std::size_t bytes = 0, fields = 0;
};

void touch(ondemand::value value, Sink& sink);

void touch_object(ondemand::object object, Sink& sink) {
  for (auto member : object) {
    sink.bytes += std::string_view{member.unescaped_key()}.size();
    touch(member.value(), sink);
  }
}

void touch(ondemand::value value, Sink& sink) {
  switch (value.type()) {
    case ondemand::json_type::object: touch_object(value.get_object(), sink); break;
    case ondemand::json_type::array:
      for (auto member : value.get_array()) touch(member.value(), sink);
      break;
    case ondemand::json_type::string:
      sink.bytes += std::string_view{value.get_string()}.size();
      ++sink.fields;
      break;
    default: sink.bytes += value.raw_json_token().size(); ++sink.fields;
  }
}

Sink walk_all(const std::string& padded, std::size_t size, ondemand::parser& parser) {
  Sink sink;
  std::string_view left{padded.data(), size};
  while (!left.empty()) {
    const std::size_t length = std::min(left.find('\n'), left.size());
    if (length > 1) {
      auto document = parser.iterate(left.data(), length, length + simdjson::SIMDJSON_PADDING);
      touch_object(document.get_object(), sink);
    }
    left.remove_prefix(std::min(length + 1, left.size()));
  }
  return sink;
}

template <class Run>
double best_seconds(Run run) {
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < 7; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

void measure(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t size = text.size();
  text.append(simdjson::SIMDJSON_PADDING + tocsin::decode::kPaddingBytes, ' ');
  const double megabytes = static_cast<double>(size) / 1e6;

  ondemand::parser parser;
  Sink sink;
  const double walk = best_seconds([&] { sink = walk_all(text, size, parser); });

  const auto decoder = tocsin::decode::json::make_json_decoder(tocsin::decode::json::Layout::kLines, {});
  tocsin::model::NameTable names;
  tocsin::model::Batch batch(names);
  std::size_t fields = 0, events = 0, bad = 0;
  const double decode = best_seconds([&] {
    fields = events = bad = 0;
    std::string_view left{text.data(), size};
    while (!left.empty()) {
      const std::string_view window = left.substr(0, 1u << 20);
      const std::size_t length = decoder->cut(window, window.size() == left.size());
      batch.clear();
      decoder->decode(left.substr(0, length), batch);
      fields += batch.fields().size();
      events += batch.size();
      bad += batch.bad_count();
      left.remove_prefix(length);
    }
  });
  std::printf(
      "%-60s simdjson walk %6.0f MB/s (%zu fields)  decoder %6.0f MB/s (%zu fields, %zu events, %zu bad)  ratio %.2f\n",
      path, megabytes / walk, sink.fields, megabytes / decode, fields, events, bad, decode / walk);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: json_bench FILE...\n");
    return 2;
  }
  for (int i = 1; i < argc; ++i) {
    try {
      measure(argv[i]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", argv[i], error.what());
    }
  }
  return 0;
}
