#include "model/name_table.h"

#include <functional>

#include "core/arena.h"

namespace tocsin::model {

// Open addressing, linear probing, at most half full; grows by doubling.
struct NameTable::Impl {
  core::Arena bytes{64 * 1024};
  std::vector<std::uint32_t> slots = std::vector<std::uint32_t>(1024, kEmpty);
  static constexpr std::uint32_t kEmpty = 0xFFFF'FFFF;

  // The slot of `name`, or the empty one where it belongs.
  [[nodiscard]] std::size_t place(std::string_view name, const std::vector<std::string_view>& texts) const {
    const std::size_t mask = slots.size() - 1;
    std::size_t at = std::hash<std::string_view>{}(name)&mask;
    while (slots[at] != kEmpty && texts[slots[at]] != name) at = (at + 1) & mask;
    return at;
  }
};

NameTable::NameTable() : impl_(std::make_unique<Impl>()) {}
NameTable::~NameTable() = default;
NameTable::NameTable(NameTable&&) noexcept = default;
NameTable& NameTable::operator=(NameTable&&) noexcept = default;

NameId NameTable::intern(std::string_view name) {
  const std::size_t at = impl_->place(name, texts_);
  if (impl_->slots[at] != Impl::kEmpty) return NameId{impl_->slots[at]};
  if (texts_.size() >= kMaxNames) return kNoName;
  const auto id = static_cast<std::uint32_t>(texts_.size());
  texts_.push_back(impl_->bytes.copy(name));
  impl_->slots[at] = id;
  if (texts_.size() * 2 > impl_->slots.size()) {
    impl_->slots.assign(impl_->slots.size() * 2, Impl::kEmpty);
    for (std::uint32_t i = 0; i < texts_.size(); ++i) impl_->slots[impl_->place(texts_[i], texts_)] = i;
  }
  return NameId{id};
}

NameId NameTable::find(std::string_view name) const {
  const std::uint32_t slot = impl_->slots[impl_->place(name, texts_)];
  return slot == Impl::kEmpty ? kNoName : NameId{slot};
}

}  // namespace tocsin::model
