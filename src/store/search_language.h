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
  bool native = false;  // The name is that of a record's own field, whose value may be in the column or be left over.
};
// A field of records by its own name, and the column that mappings move its value to.
struct NativeName {
  std::string name, column;
};
struct SearchError {
  std::size_t position = 0;  // Byte offset in the text.
  std::string expected;
};

// The columns of `events`, `ip`, `port`, `hash` and `command` as short names, then `natives` whose column there is.
std::vector<SearchField> event_search_fields(const std::vector<NativeName>& natives = {});

// An empty text gives "1". A name not among the columns, or in quotes, is that of a record's own field, case included:
// looked for in its columns, which fields of other names fill too, and in what is left over (attr.name, attr.value). One
// unknown to mappings that looks like a slip of the pen is an error that names the field. Case of values: ASCII letters are
// alike.
std::expected<std::string, SearchError> search_condition(std::string_view text, const std::vector<SearchField>& fields);

}  // namespace tocsin::store
