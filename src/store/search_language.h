// The search bar's language, read and turned into a WHERE condition of table `events`. Plain functions, any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::store {

inline constexpr std::size_t kMaxSearchBytes = 4096;
inline constexpr std::size_t kMaxSearchDepth = 32;
inline constexpr std::size_t kMaxSearchTerms = 256;

enum class SearchKind : std::uint8_t { kText, kNumber, kAddress, kHashes };

// A name people write and the column it means; a name listed twice means either column. `column` is SQL of ours, never text
// from outside.
struct SearchField {
  std::string name, column;
  SearchKind kind = SearchKind::kText;
};
struct SearchError {
  std::size_t position = 0;  // Byte offset in the text.
  std::string expected;
};

// The columns of `events`, and `ip`, `port`, `hash` and `command` as short names.
std::vector<SearchField> event_search_fields();

// An empty text gives "1". A name not in `fields`, or in quotes, is that of a leftover field (attr.name, attr.value), case
// included; one that looks like a slip of the pen is an error that names the field. Case of values: ASCII letters are alike.
std::expected<std::string, SearchError> search_condition(std::string_view text, const std::vector<SearchField>& fields);

}  // namespace tocsin::store
