#include "source/http_inputs/bulk.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "source/http_inputs/input.h"
#include "source/http_inputs/json_cursor.h"

namespace tocsin::source {
namespace {

constexpr std::string_view kActions[] = {"create", "index", "update", "delete"};

class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  // Without its end; number() counts from 1.
  std::optional<std::string_view> next() {
    if (at_ >= text_.size()) return std::nullopt;
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view line = text_.substr(at_, end - at_);
    before_ = at_;
    at_ = end + 1;
    ++number_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  void back() {
    at_ = before_;
    --number_;
  }
  [[nodiscard]] std::size_t number() const { return number_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0, before_ = 0, number_ = 0;
};

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

void set_error(BulkItem& item, int status, const char* type, std::string reason) {
  if (item.status != 0) return;
  item.status = status;
  item.error_type = type;
  item.error_reason = std::move(reason);
}

// What stands behind the action's name: {"_index":"a","_id":"b", ...}.
bool read_target(JsonCursor& cursor, BulkItem& item) {
  if (!cursor.begin_object()) return false;
  std::string key;
  while (cursor.next_member(key)) {
    const bool wanted = key == "_index" || key == "_id";
    if (!wanted || cursor.peek() != '"') {
      cursor.skip();
      continue;
    }
    auto value = cursor.string();
    if (!value) return false;
    (key == "_id" ? item.id : item.index) = std::move(*value);
  }
  return !cursor.failed();
}

// {"index":{...}}; empty where the line is no action.
std::optional<BulkItem> read_action(std::string_view line) {
  JsonCursor cursor(line);
  std::string key;
  if (!cursor.begin_object() || !cursor.next_member(key)) return std::nullopt;
  const auto* const action = std::find(std::begin(kActions), std::end(kActions), key);
  if (action == std::end(kActions)) return std::nullopt;
  BulkItem item;
  item.action = *action;
  if (!read_target(cursor, item) || cursor.next_member(key) || cursor.failed() || !cursor.at_end()) return std::nullopt;
  return item;
}

void check_target(BulkItem& item, std::string_view default_index) {
  if (item.index.empty()) item.index = default_index;
  if (item.index.empty()) set_error(item, 400, "action_request_validation_exception", "an index is missing");
  if (item.index.size() > kMaxIndexBytes) {
    item.index.resize(kMaxIndexBytes);
    set_error(item, 400, "invalid_index_name_exception",
              "the name of an index has at most " + std::to_string(kMaxIndexBytes) + " bytes");
  }
  if (item.id.size() > kMaxDocumentIdBytes) {
    item.id.resize(kMaxDocumentIdBytes);
    set_error(item, 400, "illegal_argument_exception",
              "an id has at most " + std::to_string(kMaxDocumentIdBytes) + " bytes");
  }
}

void read_document(Lines& lines, BulkItem& item) {
  const auto line = lines.next();
  if (!line) {
    set_error(item, 400, "illegal_argument_exception", "the document of this action is missing");
    return;
  }
  if (item.action == "update") {
    set_error(item, 400, "illegal_argument_exception", "logs are only appended: update is not supported, use create");
    return;
  }
  if (std::string why = check_document(*line); !why.empty()) {
    set_error(item, line->size() > kMaxJsonRecordBytes ? 413 : 400, "document_parsing_exception", std::move(why));
  }
  if (item.status == 0) item.document = *line;
}

}  // namespace

std::string check_document(std::string_view document) {
  if (document.size() > kMaxJsonRecordBytes) {
    return "the document has " + std::to_string(document.size()) + " bytes; at most " + std::to_string(kMaxJsonRecordBytes) +
           " are taken";
  }
  JsonCursor cursor(document);
  if (cursor.peek() != '{') return "a JSON object was expected";
  cursor.skip();
  if (!cursor.at_end()) return "no valid JSON object: error at byte " + std::to_string(cursor.offset());
  return {};
}

core::Result<std::vector<BulkItem>> parse_bulk(std::string_view body, std::string_view default_index) {
  std::vector<BulkItem> out;
  Lines lines(body);
  while (const auto line = lines.next()) {
    if (is_blank(*line)) continue;
    if (out.size() == kMaxBulkItems) {
      return core::Error{core::ErrorCode::kLimit,
                         "a bulk request has at most " + std::to_string(kMaxBulkItems) + " items; send smaller ones"};
    }
    auto action = read_action(*line);
    BulkItem item = action ? std::move(*action) : BulkItem{};
    check_target(item, default_index);
    if (!action) {
      item.status = 0;
      set_error(item, 400, "illegal_argument_exception",
                "Malformed action/metadata line [" + std::to_string(lines.number()) +
                    "]: an object with create, index, update or delete was expected");
      if (const auto next = lines.next(); next && read_action(*next)) lines.back();
    } else if (item.action == "delete") {
      set_error(item, 400, "illegal_argument_exception", "logs are only appended: delete is not supported");
    } else {
      read_document(lines, item);
    }
    out.push_back(std::move(item));
  }
  if (out.empty()) return core::Error{core::ErrorCode::kInvalid, "request body is required"};
  return out;
}

}  // namespace tocsin::source
