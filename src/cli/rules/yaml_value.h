// A small YAML document as a tree of values: for test files, which hold events to be written as JSON.
//
// Wraps libyaml. Bounded by depth and count; an alias is a copy of what its anchor names and counts as one. Rules are
// read by detect's own loader, not by this. Plain data.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_writer.h"
#include "core/result.h"

namespace tocsin::cli {

inline constexpr std::size_t kMaxYamlValueDepth = 48;
inline constexpr std::size_t kMaxYamlValues = 500'000;          // Aliases counted as copies.
inline constexpr std::size_t kMaxYamlBytes = 64u << 20;           // Of text, likewise.

struct YamlValue {
  enum class Kind : std::uint8_t { kScalar, kList, kMap } kind = Kind::kScalar;
  bool plain = true;          // A scalar without quotes: may be a number, a boolean or null.
  std::uint32_t line = 0;     // From 1.
  std::size_t count = 1, bytes = 0, height = 1;  // Of values below and including this one.
  std::string text;           // kScalar.
  std::vector<YamlValue> items;                            // kList.
  std::vector<std::pair<std::string, YamlValue>> entries;  // kMap, in the order written.

  [[nodiscard]] const YamlValue* find(std::string_view key) const;
  [[nodiscard]] bool is_null() const;
};

// The first document. An empty one is a null scalar. An error says the line.
core::Result<YamlValue> read_yaml(std::string_view text);

// As JSON: plain scalars that are JSON numbers, true, false or null (also ~ and nothing) stay that, the rest is text.
void write_json(const YamlValue& value, core::JsonWriter& out);

}  // namespace tocsin::cli
