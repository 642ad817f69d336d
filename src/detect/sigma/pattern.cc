#include "detect/sigma/pattern.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/unicode.h"

namespace tocsin::detect::sigma {
namespace {

constexpr std::string_view kDashes[] = {"-", "/", "\u2013", "\u2014", "\u2015"};

void append_literal(Pattern& pattern, std::string_view text) {
  if (text.empty()) return;
  if (pattern.empty() || pattern.back().kind != PatternPart::Kind::kLiteral) pattern.push_back({});
  pattern.back().text += text;
}

void append_run(Pattern& pattern) {
  if (pattern.empty() || pattern.back().kind != PatternPart::Kind::kAnyRun) {
    pattern.push_back({PatternPart::Kind::kAnyRun, {}});
  }
}

// Letters, digits and underscore. Beyond ASCII everything counts except punctuation, spaces, signs and symbols.
bool is_word(char32_t code) {
  if (code < 0x80) {
    return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_';
  }
  if (code < 0xC0) return code == 0xAA || code == 0xB5 || code == 0xBA;
  return code != 0xD7 && code != 0xF7 && !(code >= 0x2000 && code <= 0x2BFF) && !(code >= 0x3000 && code <= 0x3004) &&
         !(code >= 0x3008 && code <= 0x3020) && !(code >= 0xD800 && code <= 0xF8FF) && code < 0x1F000;
}

// Offsets of the dashes of one literal that begin an option: no word character before, one behind.
std::vector<std::size_t> option_dashes(std::string_view text) {
  std::vector<std::size_t> out;
  bool word_before = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t at = pos;
    const char32_t code = core::next_code_point(text, pos);
    if ((code == '-' || code == '/') && !word_before && pos < text.size()) {
      std::size_t peek = pos;
      if (is_word(core::next_code_point(text, peek))) out.push_back(at);
    }
    word_before = is_word(code);
  }
  return out;
}

void append_unit(std::uint32_t unit, bool big, std::string& out) {
  const char high = static_cast<char>(unit >> 8 & 0xFF);
  const char low = static_cast<char>(unit & 0xFF);
  out.push_back(big ? high : low);
  out.push_back(big ? low : high);
}

std::string utf16_bytes(std::string_view text, bool big) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const char32_t code = core::next_code_point(text, pos);
    if (code >= 0x10000) {
      append_unit(0xD800 + ((code - 0x10000) >> 10), big, out);
      append_unit(0xDC00 + ((code - 0x10000) & 0x3FF), big, out);
    } else {
      append_unit(code, big, out);
    }
  }
  return out;
}

core::Error bad_cidr(std::string message) { return {core::ErrorCode::kInvalid, std::move(message)}; }

std::string show_network(const Cidr& cidr) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(cidr.v6 ? AF_INET6 : AF_INET, cidr.bytes, text, sizeof text);
  return std::string(text) + "/" + std::to_string(cidr.prefix_bits);
}

}  // namespace

Pattern parse_pattern(std::string_view text) {
  Pattern out;
  std::string literal;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && (text[i + 1] == '\\' || text[i + 1] == '*' || text[i + 1] == '?')) {
      literal.push_back(text[++i]);
    } else if (c == '*' || c == '?') {
      append_literal(out, literal);
      literal.clear();
      if (c == '*')
        append_run(out);
      else
        out.push_back({PatternPart::Kind::kAnyOne, {}});
    } else {
      literal.push_back(c);
    }
  }
  append_literal(out, literal);
  return out;
}

Pattern literal_pattern(std::string_view text) {
  Pattern out;
  append_literal(out, text);
  return out;
}

bool has_wildcard(const Pattern& pattern) {
  return std::any_of(pattern.begin(), pattern.end(),
                     [](const PatternPart& p) { return p.kind != PatternPart::Kind::kLiteral; });
}

std::string plain_text(const Pattern& pattern) {
  std::string out;
  for (const PatternPart& part : pattern) out += part.text;
  return out;
}

std::size_t length_bytes(const Pattern& pattern) {
  std::size_t out = 0;
  for (const PatternPart& part : pattern) out += part.kind == PatternPart::Kind::kLiteral ? part.text.size() : 1;
  return out;
}

void add_leading_run(Pattern& pattern) {
  if (pattern.empty() || pattern.front().kind != PatternPart::Kind::kAnyRun) {
    pattern.insert(pattern.begin(), {PatternPart::Kind::kAnyRun, {}});
  }
}

void add_trailing_run(Pattern& pattern) { append_run(pattern); }

std::optional<std::vector<Pattern>> windash(const Pattern& pattern, std::size_t max) {
  std::vector<Pattern> out(1);
  for (const PatternPart& part : pattern) {
    std::size_t done = 0;
    for (const std::size_t at : option_dashes(part.text)) {
      if (out.size() * std::size(kDashes) > max) return {};
      std::vector<Pattern> next;
      next.reserve(out.size() * std::size(kDashes));
      for (Pattern& prefix : out) {
        append_literal(prefix, std::string_view(part.text).substr(done, at - done));
        for (const std::string_view dash : kDashes) {
          next.push_back(prefix);
          append_literal(next.back(), dash);
        }
      }
      out = std::move(next);
      done = at + 1;
    }
    for (Pattern& variant : out) {
      if (part.kind == PatternPart::Kind::kLiteral)
        append_literal(variant, std::string_view(part.text).substr(done));
      else
        variant.push_back(part);
    }
  }
  return out;
}

Pattern to_utf16(const Pattern& pattern, Utf16 form) {
  Pattern out;
  if (form == Utf16::kLittleWithMark) append_literal(out, "\xFF\xFE");
  for (const PatternPart& part : pattern) {
    if (part.kind == PatternPart::Kind::kLiteral)
      append_literal(out, utf16_bytes(part.text, form == Utf16::kBig));
    else
      out.push_back(part);
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) {
      out.push_back(i + j > bytes.size() ? '=' : kDigits[group >> (18 - 6 * j) & 63]);
    }
  }
  return out;
}

std::vector<std::string> base64_offsets(std::string_view bytes) {
  static constexpr std::size_t kStart[] = {0, 2, 3};
  static constexpr std::size_t kCut[] = {0, 3, 2};
  std::vector<std::string> out;
  for (std::size_t shift = 0; shift < 3; ++shift) {
    const std::string whole = base64(std::string(shift, ' ') + std::string(bytes));
    const std::size_t end = whole.size() - kCut[(bytes.size() + shift) % 3];
    out.push_back(end > kStart[shift] ? whole.substr(kStart[shift], end - kStart[shift]) : "");
  }
  return out;
}

core::Result<Cidr> parse_cidr(std::string_view text) {
  Cidr cidr;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  cidr.v6 = address.find(':') != std::string::npos;
  if (address.size() >= INET6_ADDRSTRLEN || inet_pton(cidr.v6 ? AF_INET6 : AF_INET, address.c_str(), cidr.bytes) != 1) {
    return bad_cidr("expected a network such as 10.0.0.0/8 or fe80::/10");
  }
  const unsigned bits = cidr.v6 ? 128 : 32;
  unsigned prefix = bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty() || prefix > bits) {
      return bad_cidr("expected a prefix length of 0 to " + std::to_string(bits) + " behind the slash");
    }
  }
  cidr.prefix_bits = static_cast<std::uint8_t>(prefix);
  Cidr network = cidr;
  for (unsigned bit = prefix; bit < bits; ++bit) {
    network.bytes[bit / 8] = static_cast<std::uint8_t>(network.bytes[bit / 8] & ~(0x80u >> (bit % 8)));
  }
  if (std::memcmp(network.bytes, cidr.bytes, sizeof cidr.bytes) != 0) {
    return bad_cidr("the address has bits set behind the prefix; the network is " + show_network(network));
  }
  return cidr;
}

}  // namespace tocsin::detect::sigma
