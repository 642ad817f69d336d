// Interned field names: a name is a small number, so finding a field is an array look-up.
//
// One thread: each worker has its own table, seeded with the names its rules address. Bounded: attackers choose JSON
// keys, so past kMaxNames a new name is not interned (kNoName) and the batch keeps its text (Batch::intern).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::model {

enum class NameId : std::uint32_t {};
inline constexpr NameId kNoName{0xFFFF'FFFF};
// Ids from here on are places in Batch::extra_names, not in a NameTable.
inline constexpr std::uint32_t kExtraNames = 0x8000'0000;
inline constexpr std::size_t kMaxNames = 100'000;    // All public log schemas together need some 20,000.
inline constexpr std::size_t kMaxNameBytes = 1'024;  // Longer names are cut by the decoders.

class NameTable {
 public:
  NameTable();
  ~NameTable();
  NameTable(NameTable&&) noexcept;
  NameTable& operator=(NameTable&&) noexcept;

  // The id of `name`, made if needed; kNoName where the table is full. Case-sensitive, byte for byte.
  NameId intern(std::string_view name);
  // kNoName where `name` was never interned.
  [[nodiscard]] NameId find(std::string_view name) const;
  // Valid as long as the table.
  [[nodiscard]] std::string_view text(NameId id) const { return texts_[static_cast<std::uint32_t>(id)]; }
  [[nodiscard]] std::size_t size() const { return texts_.size(); }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::vector<std::string_view> texts_;
};

}  // namespace tocsin::model
