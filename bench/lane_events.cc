#include "lane_events.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>

namespace tocsin::bench {
namespace {

constexpr std::string_view kArgument = " -id 00000";
constexpr std::size_t kTimeBytes = 23;  // 2026-07-28 11:44:53.919

// The value of a member: where it begins and how long it is, without quotes.
struct Span {
  std::size_t at = std::string::npos, size = 0;
  [[nodiscard]] bool found() const { return at != std::string::npos; }
};

Span value_of(const std::string& text, std::string_view key) {
  const std::string name = "\"" + std::string(key) + "\":";
  std::size_t at = text.find(name);
  if (at == std::string::npos) return {};
  at += name.size();
  std::size_t end = at;
  if (text[at] == '"') {
    for (end = ++at; end < text.size() && text[end] != '"'; ++end) end += text[end] == '\\' ? 1 : 0;
  } else {
    end = text.find_first_of(",}", at);
  }
  if (end >= text.size()) return {};
  return {at, end - at};
}

void digits(std::uint64_t value, char* to, std::size_t count) {
  for (std::size_t i = count; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

void format_time(std::int64_t ms, char* to) {
  const std::time_t seconds = ms / 1'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d.%03d", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(ms % 1'000));
  std::memcpy(to, text, kTimeBytes);
}

}  // namespace

LaneEvents::LaneEvents(const std::string& path, LaneOptions options, std::uint64_t seed)
    : options_(options), state_(seed * 0x9E37'79B9'7F4A'7C15u + 1) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    plain_.push_back(make_line(line, false));
    varied_.push_back(make_line(std::move(line), true));
  }
  if (plain_.empty()) {
    std::fprintf(stderr, "bench: no lines in %s\n", path.c_str());
    std::exit(2);
  }
}

// The value becomes `content`, and a gap of its size where that is not empty; else the gap is the value as it is.
void LaneEvents::open_gap(Line& line, std::string_view key, Gap gap, std::string_view content) {
  const Span value = value_of(line.text, key);
  if (!value.found()) return;
  if (!content.empty()) line.text.replace(value.at, value.size, content);
  line.places.push_back({gap, value.at, content.empty() ? value.size : content.size()});
}

// Values are replaced in the order they stand in the text, so that the places found before stay right.
LaneEvents::Line LaneEvents::make_line(std::string text, bool with_argument) {
  static constexpr std::string_view kKeys[] = {"Computer",    "User",    "ProcessId", "ParentProcessId",
                                               "ProcessGuid", "LogonId", "UtcTime",   "CommandLine"};
  std::vector<std::pair<std::size_t, std::string_view>> order;
  for (const std::string_view key : kKeys) {
    if (const Span value = value_of(text, key); value.found()) order.emplace_back(value.at, key);
  }
  std::sort(order.begin(), order.end());
  Line line{std::move(text), {}};
  for (const auto& [_, key] : order) {
    const Span span = value_of(line.text, key);
    const std::string value = line.text.substr(span.at, span.size);
    if (key == "Computer") open_gap(line, key, Gap::kHost, value.substr(0, value.find('-') + 1) + "00000");
    if (key == "User" && value.starts_with("CORP")) open_gap(line, key, Gap::kUser, R"(CORP\\user00000)");
    if (key == "ProcessId" || key == "ParentProcessId") open_gap(line, key, Gap::kPid, "00000");
    if (key == "ProcessGuid") open_gap(line, key, Gap::kGuid, {});
    if (key == "LogonId") open_gap(line, key, Gap::kLogon, "0x00000");
    if (key == "UtcTime") open_gap(line, key, Gap::kTime, "2026-01-01 00:00:00.000");
    if (key == "CommandLine" && with_argument) open_gap(line, key, Gap::kArgument, value + std::string(kArgument));
  }
  line.text += '\n';
  return line;
}

std::uint64_t LaneEvents::random() {  // xorshift64*
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return state_ * 0x2545'F491'4F6C'DD1Du >> 16;
}

void LaneEvents::fill(const Place& place, char* to, std::int64_t now_ns) {
  constexpr std::string_view kHex = "0123456789abcdef";
  char* const tail = to + place.size - 5;
  switch (place.gap) {
    case Gap::kHost: return digits(random() % options_.hosts, tail, 5);
    case Gap::kUser: return digits(random() % options_.users, tail, 5);
    case Gap::kArgument: return digits(random() % 100'000, tail, 5);
    case Gap::kPid: return digits(10'000 + random() % 50'000, tail, 5);
    case Gap::kLogon: {
      std::uint64_t value = random();
      for (int i = 0; i < 5; ++i, value >>= 4) tail[i] = kHex[value & 15];
      return;
    }
    case Gap::kGuid: {
      std::uint64_t value = 0;
      for (std::size_t i = 0; i < place.size; ++i, value >>= 4) {
        if (i % 8 == 0) value = random();
        if (to[i] != '-' && to[i] != '{' && to[i] != '}') to[i] = kHex[value & 15];
      }
      return;
    }
    case Gap::kTime:
      if (now_ns / 1'000'000 != shown_ms_) format_time(shown_ms_ = now_ns / 1'000'000, time_text_);
      std::memcpy(to, time_text_, kTimeBytes);
      return;
  }
}

void LaneEvents::append(std::int64_t now_ns, std::string& out) {
  const bool varied = random() % 100 < options_.varied_commands_percent;
  const Line& line = (varied ? varied_ : plain_)[next_];
  next_ = next_ + 1 == plain_.size() ? 0 : next_ + 1;
  const std::size_t begin = out.size();
  out += line.text;
  for (const Place& place : line.places) fill(place, out.data() + begin + place.at, now_ns);
}

void LaneEvents::append_mark(std::uint64_t number, std::int64_t now_ns, std::string& out) {
  char time[24] = {};
  format_time(now_ns / 1'000'000, time);
  out += R"({"EventID":1,"Image":"C:\\Bench\\latency-mark.exe","CommandLine":"latency-mark.exe","Computer":"mark-)" +
         std::to_string(number) + R"(","UtcTime":")" + time + R"(","product":"windows","category":"process_creation"})" +
         "\n";
}

}  // namespace tocsin::bench
