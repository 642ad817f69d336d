#include "app/demo/recording.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <utility>

#include "app/formats.h"
#include "decode/decoder.h"
#include "source/file_input.h"

extern "C" {
extern const char tocsin_recording_begin[];
extern const char tocsin_recording_end[];
}

namespace tocsin::app {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::string_view kAuditMark = "audit(";
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
// 'd': a digit; 'a': a letter; 's': T or a space; others stand for themselves.
constexpr std::string_view kIsoShape = "dddd-dd-ddsdd:dd:dd", kAccessShape = "[dd/aaa/dddd:dd:dd:dd",
                           kEpochShape = "dddddddddd.";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const char c = text[i];
    switch (shape[i]) {
      case 'd':
        if (!is_digit(c)) return false;
        break;
      case 'a':
        if ((c < 'A' || c > 'Z') && (c < 'a' || c > 'z')) return false;
        break;
      case 's':
        if (c != 'T' && c != ' ') return false;
        break;
      default:
        if (c != shape[i]) return false;
    }
  }
  return true;
}

unsigned number(std::string_view digits) {
  unsigned out = 0;
  for (const char c : digits) out = out * 10 + static_cast<unsigned>(c - '0');
  return out;
}

// A time in a text, to the second; the fraction behind it is no part of it.
struct Found {
  enum class Kind { kIso, kAccess, kEpoch };
  Kind kind = Kind::kIso;
  std::size_t begin = 0, size = 0;
  std::int64_t second = 0;
};

std::optional<std::int64_t> second_of(const core::CivilTime& civil) {
  const auto time = core::from_civil(civil);
  if (!time) return std::nullopt;
  return time->ns / kSecondNs;
}

std::optional<Found> iso_at(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (!has_shape(rest, kIsoShape) || (at > 0 && is_digit(text[at - 1]))) return std::nullopt;
  core::CivilTime civil;
  civil.year = static_cast<int>(number(rest.substr(0, 4)));
  civil.month = number(rest.substr(5, 2));
  civil.day = number(rest.substr(8, 2));
  civil.hour = number(rest.substr(11, 2));
  civil.minute = number(rest.substr(14, 2));
  civil.second = number(rest.substr(17, 2));
  const auto second = second_of(civil);
  if (!second) return std::nullopt;
  return Found{Found::Kind::kIso, at, kIsoShape.size(), *second};
}

std::optional<Found> access_at(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (!has_shape(rest, kAccessShape)) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), rest.substr(4, 3));
  if (month == kMonths.end()) return std::nullopt;
  core::CivilTime civil;
  civil.day = number(rest.substr(1, 2));
  civil.month = static_cast<unsigned>(month - kMonths.begin()) + 1;
  civil.year = static_cast<int>(number(rest.substr(8, 4)));
  civil.hour = number(rest.substr(13, 2));
  civil.minute = number(rest.substr(16, 2));
  civil.second = number(rest.substr(19, 2));
  const auto second = second_of(civil);
  if (!second) return std::nullopt;
  return Found{Found::Kind::kAccess, at, kAccessShape.size(), *second};
}

std::optional<Found> epoch_at(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (!has_shape(rest, kEpochShape)) return std::nullopt;
  return Found{Found::Kind::kEpoch, at, kEpochShape.size() - 1, static_cast<std::int64_t>(number(rest.substr(0, 10)))};
}

// The next time at or behind `from`, as records of this format have them.
std::optional<Found> find_time(std::string_view text, model::Format format, std::size_t from) {
  switch (format) {
    case model::Format::kAuditd: {
      const std::size_t mark = text.find(kAuditMark, from);
      if (mark == std::string_view::npos) return std::nullopt;
      return epoch_at(text, mark + kAuditMark.size());
    }
    case model::Format::kZeekTsv: return from == 0 ? epoch_at(text, 0) : std::nullopt;
    case model::Format::kAccessLog:
      if (from != 0) return std::nullopt;
      for (std::size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1)) {
        if (const auto found = access_at(text, at)) return found;
      }
      return std::nullopt;
    default:
      for (std::size_t dash = text.find('-', from + 4); dash != std::string_view::npos; dash = text.find('-', dash + 1)) {
        if (const auto found = iso_at(text, dash - 4)) return found;
      }
      return std::nullopt;
  }
}

std::string text_of(const Found& found, char separator, std::int64_t second) {
  if (found.kind == Found::Kind::kEpoch) return std::to_string(second);
  const core::CivilTime civil = core::to_civil({second * kSecondNs});
  char out[64];
  if (found.kind == Found::Kind::kIso) {
    std::snprintf(out, sizeof out, "%04d-%02u-%02u%c%02u:%02u:%02u", civil.year, civil.month, civil.day, separator,
                  civil.hour, civil.minute, civil.second);
  } else {
    std::snprintf(out, sizeof out, "[%02u/%s/%04d:%02u:%02u:%02u", civil.day, kMonths[civil.month - 1].data(), civil.year,
                  civil.hour, civil.minute, civil.second);
  }
  return out;
}

// Nanoseconds of ".135" at the begin of the text.
std::int64_t fraction_ns(std::string_view text) {
  if (text.empty() || text[0] != '.') return 0;
  std::int64_t out = 0, unit = kSecondNs / 10;
  for (std::size_t i = 1; i < text.size() && is_digit(text[i]) && unit > 0; ++i, unit /= 10) out += (text[i] - '0') * unit;
  return out;
}

std::string_view audit_stamp(std::string_view line) {
  const std::size_t at = line.find(kAuditMark);
  return at == std::string_view::npos ? std::string_view() : line.substr(at, line.find(')', at) - at);
}

// What the line has of a record; empty: it is not one.
std::string_view record_of(std::string_view line, model::Format format) {
  if (format == model::Format::kZeekTsv) return line.starts_with('#') ? std::string_view() : line;
  if (format == model::Format::kWindowsXml) return line.starts_with("<Event ") ? line : std::string_view();
  if (format == model::Format::kJson) {
    if (line.ends_with(',')) line.remove_suffix(1);
    return line.starts_with('{') && line.ends_with('}') ? line : std::string_view();
  }
  return line;
}

std::size_t stream_of(model::Format format, std::string header, Recording& out) {
  for (std::size_t i = 0; i < out.streams.size(); ++i) {
    if (out.streams[i].format == format && out.streams[i].header == header) return i;
  }
  out.streams.push_back({format, std::move(header)});
  return out.streams.size() - 1;
}

// Without what says when the file was opened: the records are of another day now.
std::string kept_header(std::string_view header) {
  std::string out;
  for (std::size_t at = 0; at < header.size();) {
    const std::size_t end = std::min(header.find('\n', at), header.size() - 1) + 1;
    const std::string_view line = header.substr(at, end - at);
    if (!line.starts_with("#open")) out += line;
    at = end;
  }
  return out;
}

}  // namespace

std::optional<core::Timestamp> record_time(std::string_view text, model::Format format) {
  const auto found = find_time(text, format, 0);
  if (!found) return std::nullopt;
  return core::Timestamp{found->second * kSecondNs + fraction_ns(text.substr(found->begin + found->size))};
}

std::string move_times(std::string_view text, model::Format format, std::chrono::seconds by) {
  std::string out;
  out.reserve(text.size());
  std::size_t copied = 0;
  std::optional<std::int64_t> own;
  for (auto found = find_time(text, format, 0); found; found = find_time(text, format, found->begin + found->size)) {
    if (!own) own = found->second;
    if (std::abs(found->second - *own) > kDaySeconds) continue;
    out.append(text.substr(copied, found->begin - copied));
    const char separator = found->kind == Found::Kind::kIso ? text[found->begin + 10] : ' ';
    out += text_of(*found, separator, found->second + by.count());
    copied = found->begin + found->size;
  }
  return out.append(text.substr(copied));
}

core::Result<void> add_to_recording(std::string_view name, std::string_view bytes, Recording& out) {
  const model::Format format = decode::sniff(bytes.substr(0, source::kHeadBytes));
  if (format == model::Format::kUnknown || format == model::Format::kEvtx)
    return core::Error{core::ErrorCode::kInvalid, std::string(name) + " is no log that can be played"};
  const std::size_t stream = stream_of(format, kept_header(header_of(format, bytes)), out);
  ++out.file_count;
  const std::size_t first = out.entries.size();
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view record = record_of(bytes.substr(at, end - at), format);
    at = end + 1;
    if (record.empty()) continue;
    if (format == model::Format::kAuditd && out.entries.size() > first &&
        audit_stamp(out.entries.back().text) == audit_stamp(record)) {
      out.entries.back().text.append(record) += '\n';
      continue;
    }
    const auto time = record_time(record, format);
    if (!time)
      return core::Error{core::ErrorCode::kInvalid,
                         std::string(name) + ": a record without a time: " + std::string(record.substr(0, 80))};
    out.entries.push_back({*time, stream, std::string(record) + '\n'});
  }
  return {};
}

void sort_recording(Recording& recording) {
  std::stable_sort(recording.entries.begin(), recording.entries.end(),
                   [](const RecordingEntry& a, const RecordingEntry& b) { return a.time < b.time; });
}

core::Result<Recording> read_recording(std::string_view archive) {
  Recording out;
  source::InputReader reader("recording", archive);
  std::map<std::string, std::string> files;  // In the order of names, whatever that of the archive is.
  while (source::Stream* stream = reader.next()) {
    std::string& text = files[stream->name()];
    char buffer[16 * 1024];
    while (const std::size_t size = stream->read(buffer)) text.append(buffer, size);
    if (stream->broken()) return core::Error{core::ErrorCode::kInvalid, stream->name() + " is damaged"};
  }
  for (const auto& [name, text] : files) TOCSIN_TRY(add_to_recording(name, text, out));
  if (out.entries.empty()) return core::Error{core::ErrorCode::kInvalid, "the recording is empty"};
  sort_recording(out);
  return out;
}

std::string_view built_in_recording() {
  return {tocsin_recording_begin, static_cast<std::size_t>(tocsin_recording_end - tocsin_recording_begin)};
}

std::vector<RecordingPart> cut_recording(const Recording& recording, std::chrono::seconds window, std::chrono::seconds by) {
  std::vector<RecordingPart> out;
  const std::int64_t window_ns = window.count() * kSecondNs;
  std::vector<std::size_t> part_of(recording.streams.size());
  for (std::size_t i = 0; i < recording.entries.size();) {
    const std::int64_t until = (recording.entries[i].time.ns / window_ns + 1) * window_ns;
    const std::size_t first = i;
    part_of.assign(part_of.size(), 0);
    for (; i < recording.entries.size() && recording.entries[i].time.ns < until; ++i) {
      const RecordingEntry& entry = recording.entries[i];
      std::size_t& part = part_of[entry.stream];  // One past its index.
      if (part == 0) {
        out.push_back({entry.stream, 0, first, recording.streams[entry.stream].header});
        part = out.size();
      }
      out[part - 1].bytes += move_times(entry.text, recording.streams[entry.stream].format, by);
      ++out[part - 1].records;
    }
  }
  return out;
}

}  // namespace tocsin::app
