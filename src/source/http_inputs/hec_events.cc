#include "source/http_inputs/hec_events.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/json_writer.h"
#include "source/http_inputs/input.h"
#include "source/http_inputs/json_cursor.h"

namespace tocsin::source {
namespace {

// Members as written, in the order in which they are stored: sourcetype first, for it tells the decoder what this is.
constexpr std::array<std::string_view, 7> kMembers = {"sourcetype", "time", "host", "source", "index", "event", "fields"};
enum Member : std::size_t { kSourcetype, kTime, kHost, kSource, kIndex, kEvent, kFields };

// Index-time fields are flat: text, numbers and lists of these.
bool are_flat(std::string_view fields) {
  JsonCursor cursor(fields);
  std::string key;
  if (!cursor.begin_object()) return false;
  while (cursor.next_member(key)) {
    const char c = cursor.peek();
    if (c == '{') return false;
    if (c != '[') {
      cursor.skip();
      continue;
    }
    cursor.begin_array();
    while (cursor.next_element()) {
      if (cursor.peek() == '{' || cursor.peek() == '[') return false;
      cursor.skip();
    }
  }
  return !cursor.failed();
}

class EventReader {
 public:
  EventReader(const HecDefaults& defaults, const std::function<void(std::string_view)>& take)
      : defaults_(defaults), take_(take) {}

  // An object of `cursor`; hands its line on where it is good.
  HecCode read(JsonCursor& cursor) {
    values_ = {};
    others_.clear();
    std::string key;
    if (!cursor.begin_object()) return HecCode::kInvalidFormat;
    while (cursor.next_member(key)) {
      const std::string_view value = cursor.skip();
      const auto* const known = std::find(kMembers.begin(), kMembers.end(), key);
      if (known != kMembers.end()) {
        values_[static_cast<std::size_t>(known - kMembers.begin())] = value;
      } else {
        others_.emplace_back(key, value);
      }
    }
    if (cursor.failed() || cursor.deepest() > kMaxJsonDepth) return HecCode::kInvalidFormat;
    const HecCode code = check();
    if (code == HecCode::kSuccess) write();
    return code;
  }

 private:
  [[nodiscard]] HecCode check() const {
    const std::string_view event = values_[kEvent];
    if (event.empty() || event == "null") return HecCode::kEventRequired;
    if (event == "\"\"") return HecCode::kEventBlank;
    const std::string_view fields = values_[kFields];
    if (!fields.empty() && fields != "null" && !are_flat(fields)) return HecCode::kBadFields;
    return HecCode::kSuccess;
  }

  void write() {
    const std::array<std::string_view, 7> defaults = {
        defaults_.sourcetype.empty() ? std::string_view("httpevent") : defaults_.sourcetype,
        {},
        defaults_.host,
        defaults_.source,
        defaults_.index,
        {},
        {}};
    line_.clear();
    core::JsonWriter json(line_);
    json.begin_object();
    for (std::size_t i = 0; i < kMembers.size(); ++i) {
      const std::string_view value = values_[i];
      if (!value.empty() && value != "null" && value != "\"\"") {
        text_.clear();
        append_as_line(value, text_);
        json.key(kMembers[i]).raw(text_);
      } else {
        json.member_if(kMembers[i], defaults[i]);
      }
    }
    for (const auto& [key, value] : others_) {
      text_.clear();
      append_as_line(value, text_);
      json.key(key).raw(text_);
    }
    json.end_object();
    take_(line_);
  }

  const HecDefaults& defaults_;
  const std::function<void(std::string_view)>& take_;
  std::array<std::string_view, 7> values_;
  std::vector<std::pair<std::string, std::string_view>> others_;
  std::string line_, text_;
};

void count_bad(HecOutcome& outcome, HecCode code) {
  if (outcome.bad_count++ == 0) {
    outcome.code = code;
    outcome.bad_index = outcome.good_count;
  }
}

}  // namespace

HecOutcome parse_hec(std::string_view body, const HecDefaults& defaults, const std::function<void(std::string_view)>& take) {
  HecOutcome out;
  EventReader reader(defaults, take);
  const std::size_t max_vain_bytes = 2 * body.size();
  std::size_t skips = 0, vain_bytes = 0;
  while (true) {
    JsonCursor cursor(body, kMaxSkippedJsonDepth);
    if (cursor.at_end()) break;
    HecCode code = reader.read(cursor);
    if (code == HecCode::kSuccess) {
      ++out.good_count;
    } else {
      count_bad(out, code);
    }
    if (!cursor.failed()) {
      body.remove_prefix(cursor.offset());
      continue;
    }
    vain_bytes += cursor.offset();
    if (vain_bytes > max_vain_bytes) break;
    const std::size_t next = body.find("\n{", std::min(cursor.offset(), std::size_t{1}));
    if (next == std::string_view::npos || ++skips > kMaxHecSkips) break;
    body.remove_prefix(next + 1);
  }
  if (out.good_count + out.bad_count == 0) out.code = HecCode::kNoData;
  return out;
}

}  // namespace tocsin::source
