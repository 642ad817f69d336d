// Access logs. The names are those Sigma's webserver rules use:
//
//   shop.example:443 10.0.0.9 - ann [10/Oct/2000:13:55:36 -0700] "GET /a?b=1 HTTP/1.1" 200 2326 "http://r/" "curl/8"
//     -> cs-host c-ip cs-username time cs-method cs-uri=/a?b=1 cs-uri-stem=/a cs-uri-query=b=1 c-uri cs-version
//        sc-status sc-bytes cs-referer c-useragent cs-user-agent
//
// A request that is not "METHOD URI VERSION" (scanners send TLS or binary) stays whole in `request` and cs-uri. The
// servers' \" and \\ are undone, their \x16 stays text. What follows the agent is kept in `extra`.
#include <algorithm>
#include <array>

#include "decode/decoder.h"
#include "decode/text/access_log_line.h"
#include "decode/text/fields.h"
#include "decode/text/lines.h"
#include "decode/text/syslog_line.h"
#include "decode/text/time_text.h"

namespace tocsin::decode {
namespace text {
namespace {

constexpr std::size_t kMaxHeadBytes = 1'024;  // Everything before the time.

// "..." with backslash escapes off the front; a quote that does not close takes the rest.
bool take_quoted(std::string_view& text, std::string_view& value) {
  if (!skip(text, "\"")) return false;
  std::size_t end = 0;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
  end = std::min(end, text.size());
  value = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return true;
}

void split_head(std::string_view head, AccessLine& parts) {
  // [vhost] client ident user...; the client may be a list ("10.0.0.1, 10.0.0.2").
  std::string_view first = take_until(head, ' ');
  std::string_view second = head.substr(0, head.find(' '));
  const std::size_t colon = first.rfind(':');
  const bool port = colon != std::string_view::npos && to_number(first.substr(colon + 1)).has_value();
  const bool vhost = first.back() != ',' && second != "-" && looks_like_ip(second) && (port || !looks_like_ip(first));
  if (vhost) {
    parts.vhost = port && !looks_like_ip(first) ? first.substr(0, colon) : first;
    take_until(head, ' ');
    first = second;
  }
  parts.client = first;
  while (parts.client.ends_with(",")) {
    parts.client.remove_suffix(1);
    std::string_view next = take_until(head, ' ');
    while (next.ends_with(",") && !head.empty()) next = take_until(head, ' ');
  }
  take_until(head, ' ');  // ident
  parts.user = trim(head);
}

void add_request(std::string_view request, model::Batch& out) {
  const std::size_t method_end = request.find(' ');
  const std::string_view method = request.substr(0, method_end);
  const bool method_ok = !method.empty() && method.size() <= 32 &&
                         std::ranges::all_of(method, [](char c) { return is_alpha(c) || c == '-' || c == '_'; });
  if (!method_ok || method_end == std::string_view::npos) {
    add(out, "request", request);
    add(out, "cs-uri", request);
    return;
  }
  std::string_view uri = request.substr(method_end + 1);
  std::string_view version;
  const std::size_t version_at = uri.rfind(" HTTP/");
  if (version_at != std::string_view::npos) {
    version = uri.substr(version_at + 1);
    uri = uri.substr(0, version_at);
  }
  const std::size_t mark = uri.find('?');
  add(out, "cs-method", method);
  add(out, "cs-uri", uri);
  add(out, "c-uri", uri);
  add(out, "cs-uri-stem", uri.substr(0, mark));
  if (mark != std::string_view::npos) add(out, "cs-uri-query", uri.substr(mark + 1));
  add_if(out, "cs-version", version);
}

}  // namespace

bool split_access_line(std::string_view line, AccessLine& parts) {
  line = trim_left(line);
  const std::size_t bracket = line.substr(0, kMaxHeadBytes).find(" [");
  if (bracket == std::string_view::npos || bracket == 0) return false;
  const std::size_t close = line.find(']', bracket);
  if (close == std::string_view::npos || close - bracket > 48) return false;
  core::Timestamp header_time;
  if (std::string_view header = line;
      line.front() == '<' || take_time(header, core::kNoTime, header_time) != TimeForm::kNone)
    return false;
  parts = {};
  parts.stamp = line.substr(bracket + 2, close - bracket - 2);
  core::Timestamp time;
  if (!parse_access_log_time(parts.stamp, time)) return false;
  split_head(line.substr(0, bracket), parts);
  line = trim_left(line.substr(close + 1));
  if (!take_quoted(line, parts.request)) return false;
  line = trim_left(line);
  parts.status = take_until(line, ' ');
  if (parts.status != "-" && !to_number(parts.status)) return false;
  line = trim_left(line);
  parts.bytes = take_until(line, ' ');
  line = trim_left(line);
  if (take_quoted(line, parts.referer)) {
    line = trim_left(line);
    if (take_quoted(line, parts.agent)) line = trim_left(line);
  }
  parts.rest = line;
  return true;
}

bool add_access_log_fields(std::string_view line, model::Batch& out, core::Timestamp& time) {
  AccessLine parts;
  if (!split_access_line(line, parts)) return false;
  core::Timestamp stamped;
  if (parse_access_log_time(parts.stamp, stamped)) time = stamped;
  const auto plain = [&](std::string_view value) { return unescape(value, "\"", out.arena()); };
  const auto given = [](std::string_view value) { return value != "-" && !value.empty(); };
  add_if(out, "c-ip", parts.client);
  if (given(parts.user)) add(out, "cs-username", plain(parts.user));
  add_request(plain(parts.request), out);
  if (given(parts.status)) add_typed(out, "sc-status", parts.status);
  if (given(parts.bytes)) add_typed(out, "sc-bytes", parts.bytes);
  if (given(parts.referer)) add(out, "cs-referer", plain(parts.referer));
  if (given(parts.agent)) {
    const std::string_view agent = plain(parts.agent);
    add(out, "c-useragent", agent);
    add(out, "cs-user-agent", agent);
  }
  add_if(out, "cs-host", parts.vhost);
  add_if(out, "extra", parts.rest);
  return true;
}

}  // namespace text

namespace {

class AccessLogDecoder final : public Decoder {
 public:
  explicit AccessLogDecoder(const DecodeOptions& options) : options_(options), lines_(options.max_record_bytes) {}
  [[nodiscard]] bool splittable() const override { return true; }
  [[nodiscard]] std::size_t cut(std::string_view buffer, bool last) override {
    return text::cut_lines(buffer, last, options_.max_record_bytes);
  }
  void decode(std::string_view block, model::Batch& out) override {
    lines_.begin(block);
    std::string_view line;
    while (lines_.next(out, line)) decode_line(line, out).record = out.record_count;
  }
  void finish(model::Batch&) override { lines_.end_of_stream(); }

 private:
  model::EventSlot& decode_line(std::string_view line, model::Batch& out) {
    core::Timestamp time;
    out.begin_event();
    if (!text::add_access_log_fields(text::clean_utf8(line, out.arena()), out, time)) {
      out.abandon_event();
      return text::decode_syslog_line(line, options_.reference_time, out);
    }
    model::EventSlot& slot = out.end_event();
    slot.raw = line;
    slot.time = time;
    slot.format = model::Format::kAccessLog;
    return slot;
  }

  DecodeOptions options_;
  text::LineReader lines_;
};

}  // namespace

std::unique_ptr<Decoder> make_access_log_decoder(const DecodeOptions& options) {
  return std::make_unique<AccessLogDecoder>(options);
}

}  // namespace tocsin::decode
