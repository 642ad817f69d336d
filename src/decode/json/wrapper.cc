#include "decode/json/wrapper.h"

#include <algorithm>
#include <array>

#include "decode/json/json_text.h"

namespace tocsin::decode::json {
namespace {

// CloudTrail, Event Hub and diagnostic logs, Graph and Azure REST, lookup-events, Kubernetes, gcloud, Splunk REST,
// CloudWatch.
constexpr auto kLists = std::to_array<std::string_view>(
    {"Records", "records", "value", "Events", "events", "items", "entries", "data", "results", "logEvents", "hits"});
constexpr auto kSiblings = std::to_array<std::string_view>({"kind",
                                                            "apiVersion",
                                                            "metadata",
                                                            "etag",
                                                            "nextPageToken",
                                                            "NextToken",
                                                            "nextToken",
                                                            "next",
                                                            "nextLink",
                                                            "previous",
                                                            "links",
                                                            "meta",
                                                            "page",
                                                            "per_page",
                                                            "limit",
                                                            "offset",
                                                            "size",
                                                            "count",
                                                            "total",
                                                            "has_more",
                                                            "status",
                                                            "success",
                                                            "error",
                                                            "errors",
                                                            "result_info",
                                                            "request_id",
                                                            "requestId",
                                                            "took",
                                                            "timed_out",
                                                            "_shards",
                                                            "_scroll_id",
                                                            "pit_id",
                                                            "num_reduce_phases",
                                                            "terminated_early",
                                                            "aggregations",
                                                            "max_score",
                                                            "preview",
                                                            "init_offset",
                                                            "post_process_count",
                                                            "messages",
                                                            "fields",
                                                            "highlighted",
                                                            "searchedLogStreams",
                                                            "messageType",
                                                            "owner",
                                                            "logGroup",
                                                            "logStream",
                                                            "subscriptionFilters"});

template <std::size_t kSize>
bool contains(const std::array<std::string_view, kSize>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

bool is_sibling(std::string_view key) {
  return contains(kSiblings, key) || key.starts_with("@odata.") || key.starts_with("odata.");
}

// Reads the bytes at hand; `ended` where they are not enough, `failed` where they are not what was looked for.
struct Reader {
  std::string_view text;
  std::size_t at = 0;
  bool ended = false, failed = false;

  // The next byte that is no space, not taken; '\0' at the end.
  char peek() {
    while (at < text.size() && is_space(text[at])) ++at;
    if (at < text.size()) return text[at];
    ended = true;
    return '\0';
  }
  bool take(char c) {
    const char next = peek();
    if (next == c) {
      ++at;
      return true;
    }
    if (!ended) failed = true;
    return false;
  }
  // Behind a string whose opening quote is at `at`; its inside as written.
  std::string_view string() {
    const std::size_t begin = ++at;
    while (true) {
      at = static_cast<std::size_t>(find_string_stop(text.data() + at, text.data() + text.size()) - text.data());
      if (at >= text.size()) {
        ended = true;
        return {};
      }
      if (text[at] == '"') return text.substr(begin, at++ - begin);
      if (text[at] == '\n') {
        failed = true;
        return {};
      }
      at = std::min(at + 2, text.size());
    }
  }
  // Behind the value at `at`, or behind the end of `depth` open containers.
  void skip(std::size_t depth) {
    while (!ended && !failed) {
      const char c = peek();
      if (ended) return;
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at;
      } else if (c == '}' || c == ']') {
        if (depth == 0) {
          failed = true;
          return;
        }
        --depth;
        ++at;
      } else if (depth > 0 && (c == ',' || c == ':')) {
        ++at;
        continue;
      } else {
        while (at < text.size() && !is_space(text[at]) &&
               std::string_view{",]}:[{\""}.find(text[at]) == std::string_view::npos)
          ++at;
        if (at >= text.size()) ended = true;
        if (c == ',' || c == ':') failed = true;
      }
      if (depth == 0) return;
    }
  }
};

class Peeker {
 public:
  explicit Peeker(std::string_view text) : in_{text} {}

  WrapperPeek run(bool complete) {
    members(1);
    const WrapperPeek plain{.seen_bytes = std::min(in_.at + 1, in_.text.size())};
    if (in_.failed || plain_) return plain;
    if (in_.ended && !complete) return {.kind = WrapperKind::kNeedMore};
    return found_.list_offset == 0 ? plain : found_;
  }

 private:
  [[nodiscard]] bool go_on() const { return !in_.ended && !in_.failed && !plain_; }

  // The members of an object whose '{' is next. `level` 2: inside "hits".
  void members(std::size_t level) {
    if (!in_.take('{')) return;
    while (go_on()) {
      if (in_.peek() != '"') {
        if (!in_.ended) in_.failed = true;
        return;
      }
      const std::string_view key = in_.string();
      if (!go_on() || !in_.take(':')) return;
      member(key, level);
      if (!go_on()) return;
      if (in_.peek() == '}') {
        ++in_.at;
        return;
      }
      in_.take(',');
    }
  }

  void member(std::string_view key, std::size_t level) {
    const char c = in_.peek();
    if (in_.ended) return;
    const bool is_list = level == 1 ? contains(kLists, key) : key == "hits";
    if (is_list && c == '[' && found_.list_offset == 0) {
      list(level);
    } else if (level == 1 && key == "hits" && c == '{' && found_.list_offset == 0) {
      members(2);
    } else if (is_sibling(key)) {
      in_.skip(0);
    } else {
      plain_ = true;
    }
  }

  void list(std::size_t level) {
    const std::size_t offset = ++in_.at;
    const char c = in_.peek();
    if (in_.ended) return;
    if (c != '{' && c != ']') {
      plain_ = true;
      return;
    }
    found_ = {.kind = WrapperKind::kWrapper, .list_offset = offset, .object_depth = level};
    in_.skip(1);
  }

  Reader in_;
  WrapperPeek found_;
  bool plain_ = false;
};

}  // namespace

WrapperPeek peek_wrapper(std::string_view text, bool last) {
  const bool complete = last || text.size() >= kPeekBytes;
  return Peeker{text.substr(0, kPeekBytes)}.run(complete);
}

bool may_begin_wrapper(std::string_view key) { return contains(kLists, key) || is_sibling(key); }

}  // namespace tocsin::decode::json
