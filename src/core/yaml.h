// YAML text to trees of nodes with their places, for content files (rules, mappings): strict, bounded, and keeping how
// each scalar was written.
//
// Wraps libyaml. Nothing is thrown and no input crashes it. A syntax error costs the document it is in (and what cannot
// be read because of it); reading goes on at the next "---". Anchors are shared, not copied, but counted as if they were
// copied, so that nested aliases meet kMaxYamlNodes. One thread per call; results are plain data.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::core {

// Limits on one file, against hostile YAML. Reaching one refuses the file (code "limit").
inline constexpr std::size_t kMaxYamlBytes = 4u << 20;
inline constexpr std::size_t kMaxYamlDepth = 32;
inline constexpr std::size_t kMaxYamlNodes = 200'000;

struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kText, kList, kMap } kind = Kind::kNull;
  bool quoted = false;                 // A scalar in quotes, a block scalar or tagged !!str: always kText.
  bool exact_columns = false;          // `text` stands in the file character for character from `text_column`.
  std::uint32_t line = 0, column = 0;  // From 1; column in code points.
  std::uint32_t text_column = 0;       // Where the text begins, behind an opening quote.
  std::string text;                    // Of a scalar, as written (quotes and escapes resolved).
  std::vector<const YamlNode*> items;  // kList.
  std::vector<std::pair<const YamlNode*, const YamlNode*>> entries;  // kMap, in the order written.
  std::uint32_t expanded_count = 1;  // Nodes below and including this one, aliases counted as copies.
  std::uint32_t expanded_bytes = 0;  // Of text, likewise.
  std::uint32_t height = 1;

  [[nodiscard]] bool is_scalar() const { return kind <= Kind::kText; }
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

// Nodes that stay where they are. A std::deque would allocate for each of them.
class YamlPool {
 public:
  YamlNode& add() {
    if (used_ == kBlock) {
      blocks_.push_back(std::make_unique<YamlNode[]>(kBlock));
      used_ = 0;
    }
    return blocks_.back()[used_++];
  }
  [[nodiscard]] std::size_t size() const { return blocks_.size() * kBlock - (kBlock - used_); }

 private:
  static constexpr std::size_t kBlock = 64;
  std::vector<std::unique_ptr<YamlNode[]>> blocks_;
  std::size_t used_ = kBlock;
};

struct YamlIssue {
  std::uint32_t line = 0, column = 0;
  std::string code, message, hint;
};

struct YamlDocument {
  const YamlNode* root = nullptr;               // Null for an empty document. Points into YamlFile::nodes.
  std::uint32_t first_line = 1, last_line = 1;  // Lines [first, last] of the file hold it.
  std::vector<YamlIssue> issues;                // Duplicate keys, merge keys, foreign tags: the document cannot be used.
};

struct YamlFile {
  YamlPool nodes;
  std::vector<YamlDocument> documents;
  std::vector<YamlIssue> issues;  // Syntax errors and limits, of the file.
  bool refused = false;           // A limit was reached or the bytes are no text: `documents` is empty.
};

YamlFile parse_yaml(std::string_view text);

// "a list", "a map", "the number 5", "null" ...: for messages.
std::string describe(const YamlNode& node);
// At most `max` bytes of text, cut between code points, with "..." where cut; control characters shown as '?'.
std::string clip(std::string_view text, std::size_t max = 80);

}  // namespace tocsin::core
