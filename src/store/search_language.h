// The search bar's language, read and turned into a WHERE condition of the store. Plain functions, any thread.
#pragma once
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::store {

inline constexpr std::size_t kMaxSearchBytes = 4096;
inline constexpr std::size_t kMaxSearchDepth = 32;

// A name people write and the column it means. `column` is SQL of ours, never text from outside.
struct SearchField {
  std::string name, column;
  bool number = false;
};
struct SearchError {
  std::size_t position = 0;  // Byte offset in the text.
  std::string expected;
};

// An empty text gives "1". A name not in `fields` is looked up in the arrays attributes.name and attributes.value.
std::expected<std::string, SearchError> search_condition(std::string_view text, const std::vector<SearchField>& fields);

}  // namespace tocsin::store
