#include "api/parts/input.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "api/api.h"

namespace tocsin::api {
namespace {

namespace dom = simdjson::dom;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxCursorBytes = 4'096;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c == '\0'; });
}
std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}
std::string between(std::int64_t least, std::int64_t most) {
  return "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}
constexpr const char* kTimeHelp = "must be a time as 2026-11-24T10:00:00Z, now or now-24h (s m h d w)";

}  // namespace

std::optional<core::Timestamp> parse_when(std::string_view text, core::Timestamp now) {
  if (text == "now") return now;
  if (!text.starts_with("now-")) return core::parse_iso_time(text);
  text.remove_prefix(4);
  if (text.size() < 2) return std::nullopt;
  std::int64_t seconds = 0;
  switch (text.back()) {
    case 's': seconds = 1; break;
    case 'm': seconds = 60; break;
    case 'h': seconds = 3'600; break;
    case 'd': seconds = 86'400; break;
    case 'w': seconds = 7 * 86'400; break;
    default: return std::nullopt;
  }
  text.remove_suffix(1);
  const auto count = whole(text);
  if (!count || *count < 0 || *count > 200'000'000 / seconds * 10) return std::nullopt;
  return core::Timestamp{now.ns - *count * seconds * 1'000'000'000};
}

struct Body::Impl {
  dom::parser parser{kMaxBodyBytes};
  dom::object root;
  bool good = false;
  [[nodiscard]] std::optional<dom::element> find(const char* name) const {
    dom::element value;
    if (!good || root[name].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
    return value;
  }
};

Body::Body(std::string_view json) : impl_(std::make_unique<Impl>()) {
  if (json.empty()) json = "{}";
  dom::element root;
  if (json.size() > kMaxBodyBytes) {
    refuse("", "the body is longer than 1 MB");
  } else if (impl_->parser.allocate(json.size(), kMaxDepth) != simdjson::SUCCESS) {
    refuse("", "there is no memory for the body");
  } else if (const auto error = impl_->parser.parse(json.data(), json.size()).get(root); error != simdjson::SUCCESS) {
    refuse("", std::string("the body is not JSON: ") + simdjson::error_message(error));
  } else if (root.get(impl_->root) != simdjson::SUCCESS) {
    refuse("", "the body must be a JSON object");
  } else {
    impl_->good = true;
  }
}
Body::~Body() = default;

void Body::refuse(std::string field, std::string text) {
  if (!problem_) problem_ = InputProblem{std::move(field), std::move(text)};
}
bool Body::has(const char* name) const { return impl_->find(name).has_value(); }

std::optional<std::string> Body::optional_text(const char* name, std::size_t max_bytes) {
  const auto value = impl_->find(name);
  if (!value) return std::nullopt;
  std::string_view text;
  if (value->get(text) != simdjson::SUCCESS || has_control(text)) {
    refuse(name, "must be a text");
    return std::nullopt;
  }
  if (text.size() > max_bytes) {
    refuse(name, "must be at most " + std::to_string(max_bytes) + " bytes");
    return std::nullopt;
  }
  return std::string(text);
}
std::string Body::text(const char* name, TextOptions options) {
  auto value = optional_text(name, options.max_bytes);
  if (!value && options.required) refuse(name, "must be given");
  return value ? std::move(*value) : std::string();
}
core::Secret Body::secret(const char* name) { return core::Secret(text(name, {true, 2'048})); }

std::optional<bool> Body::optional_boolean(const char* name) {
  const auto value = impl_->find(name);
  if (!value) return std::nullopt;
  bool out = false;
  if (value->get(out) != simdjson::SUCCESS) {
    refuse(name, "must be true or false");
    return std::nullopt;
  }
  return out;
}
std::int64_t Body::number(const char* name, std::int64_t absent, std::int64_t least, std::int64_t most) {
  const auto value = impl_->find(name);
  if (!value) return absent;
  std::int64_t out = 0;
  if (value->get(out) != simdjson::SUCCESS || out < least || out > most) {
    refuse(name, between(least, most));
    return absent;
  }
  return out;
}
std::vector<std::string> Body::texts(const char* name) {
  std::vector<std::string> out;
  const auto value = impl_->find(name);
  if (!value) return out;
  dom::array array;
  if (value->get(array) != simdjson::SUCCESS || array.size() > kMaxListValues) {
    refuse(name, "must be a list of at most 1000 texts");
    return out;
  }
  for (const dom::element one : array) {
    std::string_view text;
    if (one.get(text) != simdjson::SUCCESS || text.size() > kMaxNameBytes || has_control(text)) {
      refuse(name, "must be a list of texts of at most 256 bytes");
      return {};
    }
    out.emplace_back(text);
  }
  return out;
}
std::vector<std::int64_t> Body::numbers(const char* name, std::int64_t least, std::int64_t most) {
  std::vector<std::int64_t> out;
  const auto value = impl_->find(name);
  if (!value) return out;
  dom::array array;
  if (value->get(array) != simdjson::SUCCESS || array.size() > kMaxListValues) {
    refuse(name, "must be a list of at most 1000 numbers");
    return out;
  }
  for (const dom::element one : array) {
    std::int64_t number = 0;
    if (one.get(number) != simdjson::SUCCESS || number < least || number > most) {
      refuse(name, "must be a list of which each " + between(least, most));
      return {};
    }
    out.push_back(number);
  }
  return out;
}
std::vector<std::string> Body::objects(const char* name, std::size_t max_count) {
  std::vector<std::string> out;
  const auto value = impl_->find(name);
  if (!value) return out;
  dom::array array;
  const bool list = value->get(array) == simdjson::SUCCESS;
  std::size_t count = 0;  // array.size() stops at 2^24 - 1.
  if (list) {
    for ([[maybe_unused]] const dom::element one : array) ++count;
  }
  if (!list || count > max_count) {
    refuse(name, "must be a list of at most " + std::to_string(max_count) + " objects");
    return out;
  }
  for (const dom::element one : array) {
    if (!one.is_object()) {
      refuse(name, "must be a list of objects");
      return {};
    }
    out.push_back(simdjson::minify(one));
  }
  return out;
}
std::string Body::object(const char* name, std::size_t max_bytes) {
  const auto value = impl_->find(name);
  if (!value) return "{}";
  std::string out = simdjson::minify(*value);
  if (!value->is_object()) {
    refuse(name, "must be an object");
  } else if (out.size() > max_bytes) {
    refuse(name, "must be at most " + std::to_string(max_bytes) + " bytes");
  }
  return out;
}
core::Timestamp Body::when(const char* name, core::Timestamp absent, core::Timestamp now) {
  const auto text = optional_text(name);
  if (!text) return absent;
  const auto time = parse_when(*text, now);
  if (!time) refuse(name, kTimeHelp);
  return time.value_or(absent);
}

void Query::refuse(std::string field, std::string text) {
  if (!problem_) problem_ = InputProblem{std::move(field), std::move(text)};
}
std::string Query::text(const char* name) const {
  const auto found = request_.query.find(name);
  return found == request_.query.end() ? std::string() : found->second;
}
std::int64_t Query::number(const char* name, std::int64_t absent, std::int64_t least, std::int64_t most) {
  const std::string given = text(name);
  if (given.empty()) return absent;
  const auto value = whole(given);
  if (!value || *value < least || *value > most) {
    refuse(name, between(least, most));
    return absent;
  }
  return *value;
}
std::vector<std::string> Query::list(const char* name) {
  std::vector<std::string> out;
  const std::string given = text(name);
  for (std::size_t at = 0; at < given.size();) {
    const std::size_t end = std::min(given.find(',', at), given.size());
    if (end > at) out.push_back(given.substr(at, end - at));
    at = end + 1;
  }
  if (out.size() > kMaxListValues) {
    refuse(name, "must be at most 1000 values");
    out.clear();
  }
  return out;
}
core::Timestamp Query::when(const char* name, core::Timestamp absent) {
  const std::string given = text(name);
  if (given.empty()) return absent;
  const auto time = parse_when(given, now_);
  if (!time) refuse(name, kTimeHelp);
  return time.value_or(absent);
}
std::string Query::choice(const char* name, std::initializer_list<const char*> allowed) {
  const std::string given = text(name);
  if (given.empty()) return *allowed.begin();
  std::string list;
  for (const char* one : allowed) {
    if (given == one) return given;
    list += (list.empty() ? "" : ", ") + std::string(one);
  }
  refuse(name, "must be one of " + list);
  return *allowed.begin();
}

std::string make_cursor(const std::vector<std::string>& parts) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += '-';
    out += 'x';
    for (const char c : part) {
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::optional<std::vector<std::string>> read_cursor(std::string_view cursor, std::size_t parts) {
  if (cursor.size() > kMaxCursorBytes || cursor.ends_with('-')) return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::vector<std::string> out;
  for (std::size_t at = 0; at < cursor.size();) {
    if (cursor[at] != 'x') return std::nullopt;
    const std::size_t end = std::min(cursor.find('-', at), cursor.size());
    const std::string_view hex = cursor.substr(at + 1, end - at - 1);
    if (hex.size() % 2 != 0) return std::nullopt;
    std::string part;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      if (digit(hex[i]) < 0 || digit(hex[i + 1]) < 0) return std::nullopt;
      part += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
    }
    out.push_back(std::move(part));
    at = end + 1;
  }
  if (out.size() != parts) return std::nullopt;
  return out;
}

}  // namespace tocsin::api
