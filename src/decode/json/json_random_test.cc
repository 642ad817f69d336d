// The decoder against a plain reference: simdjson's DOM, flattened recursively, on random documents and damaged ones.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>
#include <string>

#include "decode/json/json_events.h"
#include "decode/windows_names.h"

namespace tocsin::decode::json {
namespace {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::string spaces() { return below(4) != 0 ? "" : std::string(below(3), ' '); }

  std::string text() {
    static const char* const kParts[] = {"a",
                                         "xyz",
                                         "C:\\\\Windows\\\\",
                                         "\\n",
                                         "\\\"",
                                         "\\u0041",
                                         "\\u0000",
                                         "\\ud83d\\ude00",
                                         "\xC3\xA9",
                                         " ",
                                         "{",
                                         "]",
                                         ":",
                                         ",",
                                         "\\/",
                                         "0123456789abcdef0123456789"};
    std::string out;
    for (std::size_t i = below(6); i > 0; --i) out += kParts[below(std::size(kParts))];
    return out;
  }
  std::string key() {
    static const char* const kKeys[] = {"a",     "b",        "c.d", "Event",     "System", "EventData",
                                        "#text", "x\\u0079", "",    "long name", "k\\\\"};
    return kKeys[below(std::size(kKeys))];
  }
  std::string number() {
    static const char* const kNumbers[] = {"0", "-1", "42", "1.5", "1e3", "-0.25E-2", "18446744073709551615", "1000000"};
    return kNumbers[below(std::size(kNumbers))];
  }
  std::string value(int depth) {
    switch (below(depth > 4 ? 5 : 8)) {
      case 0: return "null";
      case 1: return "true";
      case 2: return "false";
      case 3: return number();
      case 4: return "\"" + text() + "\"";
      case 5: return list(depth + 1);
      default: return object(depth + 1);
    }
  }
  std::string list(int depth) {
    std::string out = "[" + spaces();
    for (std::size_t i = 0, count = below(4); i < count; ++i) out += (i > 0 ? "," : "") + spaces() + value(depth) + spaces();
    return out + "]";
  }
  std::string object(int depth) {
    std::string out = "{" + spaces();
    for (std::size_t i = 0, count = below(5); i < count; ++i) {
      out += (i > 0 ? "," : "") + spaces() + "\"" + key() + "\"" + spaces() + ":" + spaces() + value(depth) + spaces();
    }
    return out + "}";
  }
  std::string damaged(std::string text) {
    static constexpr std::string_view kBytes = "{}[]:,\"\\ 0at\x01\x0C";
    for (std::size_t i = below(3) + 1; i > 0 && !text.empty(); --i) {
      const std::size_t at = below(text.size());
      if (below(2) == 0)
        text.erase(at, below(3) + 1);
      else
        text.insert(at, 1, kBytes[below(kBytes.size())]);
    }
    return text;
  }

 private:
  std::mt19937_64 random_;
};

void append(std::string& out, std::string_view path, bool element, const std::string& shown) {
  if (!out.empty()) out += ' ';
  out += canonical_name(path) + (element ? "[]=" : "=") + shown;
}

// As the decoder, by the plainest means. `path` is empty for the event itself only at depth 0.
void flatten(simdjson::dom::element value, const std::string& path, int depth, bool element, std::string& out) {
  using simdjson::dom::element_type;
  switch (value.type()) {
    case element_type::ARRAY: {
      bool any = false;
      for (const auto member : value.get_array()) {
        flatten(member, path, depth + 1, true, out);
        any = true;
      }
      if (!any) append(out, path, true, "~");
      return;
    }
    case element_type::OBJECT: {
      bool any = false;
      for (const auto [key, member] : value.get_object()) {
        flatten(member, depth == 0 ? std::string{key} : path + "." + std::string{key}, depth + 1, element, out);
        any = true;
      }
      if (!any && depth > 0) append(out, path, element, "~");
      return;
    }
    case element_type::STRING: append(out, path, element, std::string{value.get_string().value()}); return;
    case element_type::BOOL: append(out, path, element, value.get_bool().value() ? "?true" : "?false"); return;
    case element_type::NULL_VALUE: append(out, path, element, "~"); return;
    default: append(out, path, element, "#"); return;
  }
}

// Numbers lose their text in the DOM: both sides are compared without it.
std::string without_numbers(std::string text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    const bool number = text[i] == '#' && i > 0 && text[i - 1] == '=';
    while (number && i + 1 < text.size() && text[i + 1] != ' ' && text[i + 1] != '\n') ++i;
  }
  return out;
}

TEST(JsonRandom, ValidObjectsFlattenAsTheReferenceDoes) {
  constexpr std::uint64_t kSeed = 20'260'801;
  Generator generator(kSeed);
  simdjson::dom::parser parser;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = generator.object(0);
    simdjson::dom::element root;
    ASSERT_EQ(parser.parse(text).get(root), simdjson::SUCCESS) << text;
    std::string expected;
    flatten(root, "", 0, false, expected);
    ASSERT_EQ(without_numbers(decode_text(text, {.layout = Layout::kLines})), without_numbers(expected + "\n"))
        << "seed " << kSeed << " round " << i << ": " << text;
  }
}

TEST(JsonRandom, WhatTheReferenceRefusesIsABadRecord) {
  constexpr std::uint64_t kSeed = 7;
  Generator generator(kSeed);
  simdjson::dom::parser parser;
  for (int i = 0; i < 40'000; ++i) {
    const std::string text = generator.damaged(generator.object(0));
    simdjson::dom::element root;
    const auto error = parser.parse(text).get(root);
    const std::string out = decode_text(text, {.layout = Layout::kLines});
    const bool bad = out.find("!json") != std::string::npos;
    // Taken on purpose: repaired bytes, lone surrogates, numbers of any size, several values, commas around them.
    if (bad || out.empty()) {
      ASSERT_TRUE(error != simdjson::SUCCESS || !root.is_object())
          << "seed " << kSeed << " round " << i << ": " << text << "\n"
          << out;
      continue;
    }
    const bool several = text.find_first_of(",}\x0C") != std::string::npos && error == simdjson::TAPE_ERROR;
    ASSERT_TRUE(error == simdjson::SUCCESS || several || error == simdjson::UTF8_ERROR ||
                error == simdjson::UNESCAPED_CHARS || text.find("\\ud") != std::string::npos ||
                text.find("18446744073709551615") != std::string::npos || error == simdjson::NUMBER_ERROR)
        << "seed " << kSeed << " round " << i << " " << simdjson::error_message(error) << ": " << text << "\n"
        << out;
  }
}

TEST(JsonRandom, BlocksOfAnySizeGiveTheSameEvents) {
  constexpr std::uint64_t kSeed = 99;
  Generator generator(kSeed);
  for (int i = 0; i < 6'000; ++i) {
    std::string text = generator.below(2) == 0 ? "[" : generator.below(2) == 0 ? "{\"Records\":[" : "";
    for (std::size_t k = generator.below(5); k > 0; --k)
      text += generator.object(2) + (generator.below(3) == 0 ? "\n" : ",");
    if (generator.below(2) == 0) text = generator.damaged(text);
    for (const Layout layout : {Layout::kDocuments, Layout::kLines}) {
      const std::string whole = decode_text(text, {.layout = layout, .show_record = layout == Layout::kDocuments});
      const std::size_t step = generator.below(text.size() + 1) + 1;
      ASSERT_EQ(decode_text(text, {.layout = layout, .step_bytes = step, .show_record = layout == Layout::kDocuments}),
                whole)
          << "seed " << kSeed << " round " << i << " step " << step << ": " << text;
    }
  }
}

}  // namespace
}  // namespace tocsin::decode::json
