#include "http/parts/target.h"

#include <utility>

namespace tocsin::http {
namespace {

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

core::Error invalid(const char* text) { return {core::ErrorCode::kInvalid, text}; }

bool has_dot_segment(std::string_view path) {
  std::size_t begin = 0;
  while (begin <= path.size()) {
    std::size_t end = path.find('/', begin);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "." || segment == "..") return true;
    begin = end + 1;
  }
  return false;
}

core::Result<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find('&', begin);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view pair = text.substr(begin, end - begin);
    begin = end + 1;
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), Plus::kIsSpace);
    auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), Plus::kIsSpace);
    if (!name || !value) return invalid("the query holds a '%' without two hexadecimal digits");
    out.insert_or_assign(std::move(*name), std::move(*value));
    if (out.size() > kMaxQueryNames) return core::Error{core::ErrorCode::kLimit, "the query has more than 256 names"};
  }
  return out;
}

// "http://host/path" -> "/path"; RFC 9112, section 3.2.2.
std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t end = target.find_first_of("/?", scheme.size());
    if (end == std::string_view::npos) return "/";
    return target.substr(end);
  }
  return target;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' && plus == Plus::kIsSpace ? ' ' : text[i];
    }
  }
  return out;
}

core::Result<Target> parse_target(std::string_view target) {
  target = without_authority(target);
  if (target.empty() || target[0] != '/') return invalid("the target of the request does not begin with '/'");
  if (target.find('#') != std::string_view::npos) return invalid("the target of the request has a fragment");
  const std::size_t mark = target.find('?');
  auto path = percent_decode(target.substr(0, mark), Plus::kIsPlus);
  if (!path) return invalid("the path holds a '%' without two hexadecimal digits");
  if (path->find('\0') != std::string::npos) return invalid("the path holds a NUL");
  if (has_dot_segment(*path)) return invalid("the path holds a segment '.' or '..'");
  Target out;
  out.path = std::move(*path);
  if (mark != std::string_view::npos) out.query = TOCSIN_TRY(parse_query(target.substr(mark + 1)));
  return out;
}

}  // namespace tocsin::http
