// The columns of a Block and their Native form: what Store needs of it beyond store.h.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace tocsin::store {

enum class ColumnKind : std::uint8_t { kFixed, kText, kWord, kFixedArray, kTextArray, kWordArray };
struct ColumnDefinition {
  std::string_view name, type;  // `type` as the table has it.
  ColumnKind kind;
  unsigned width = 0;           // Bytes of a fixed value.
  std::string_view extra = {};  // Codec.
};

// A column in the making. Texts are kept as the format has them: length as a varint, then the bytes. A word is a text kept
// once (LowCardinality): `indexes` says which.
class Column {
 public:
  explicit Column(const ColumnDefinition& definition) : definition_(&definition) {}
  void add_fixed(std::uint64_t value) { data_.append(reinterpret_cast<const char*>(&value), definition_->width); }
  void add_text(std::string_view text);
  void add_word(std::string_view text);
  // After the elements of one row: arrays only.
  void end_array();
  [[nodiscard]] std::size_t bytes() const {
    return data_.size() + dictionary_bytes_ + 4 * indexes_.size() + 8 * ends_.size();
  }
  void clear();
  // Appends name, type and the rows where `keep` is true (empty: all).
  void encode(const std::vector<bool>& keep, std::string& out) const;
  [[nodiscard]] const ColumnDefinition& definition() const { return *definition_; }

 private:
  [[nodiscard]] std::vector<bool> kept_elements(const std::vector<bool>& keep) const;
  void encode_texts(const std::vector<bool>& keep, std::string& out) const;
  void encode_fixed(const std::vector<bool>& keep, std::string& out) const;
  void encode_words(const std::vector<bool>& keep, std::string& out) const;
  [[nodiscard]] std::size_t element_count() const;

  const ColumnDefinition* definition_;
  std::string data_;
  std::vector<std::uint64_t> ends_;
  std::vector<std::uint32_t> indexes_;
  std::deque<std::string> words_;  // Stable: the map's keys point into it.
  std::unordered_map<std::string_view, std::uint32_t> places_;
  std::size_t dictionary_bytes_ = 0;
  std::uint64_t element_count_ = 0;
};

enum class TableId : std::uint8_t { kEvents, kFindings, kDeadLetters };
inline constexpr std::size_t kTableCount = 3;
struct TableDefinition {
  std::string_view name;
  std::vector<ColumnDefinition> columns;
};
const TableDefinition& table_definition(TableId table);

// The rows of one table. `keys` tell rows apart: the event's id; the finding's id; sequence and offset.
struct TableRows {
  explicit TableRows(TableId id);
  TableId id;
  std::vector<Column> columns;
  std::size_t rows = 0;
  std::vector<std::string> keys;
  std::uint64_t lowest = ~std::uint64_t{0}, highest = 0;  // Of event id, or of sequence.
  [[nodiscard]] std::size_t bytes() const;
  void clear();
  // One Native block of the rows where `keep` is true (empty: all). REQUIRES: there is one; the engine refuses an empty
  // block.
  void encode(const std::vector<bool>& keep, std::string& out) const;
  // Of the keys of these rows: the same rows give the same.
  [[nodiscard]] std::string fingerprint(const std::vector<bool>& keep) const;
};

struct Block::Impl {
  std::array<TableRows, kTableCount> tables{TableRows(TableId::kEvents), TableRows(TableId::kFindings),
                                            TableRows(TableId::kDeadLetters)};
};

std::string event_key(std::uint64_t id);
std::string dead_letter_key(std::uint64_t sequence, std::uint64_t offset);

}  // namespace tocsin::store
