// A password, key or token in memory: wiped when it goes, compared in constant time, not printable.
//
// Move only. The text is for the one call that needs it; never copy it into a log, an error or a string that lives on.
#pragma once
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::core {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::string_view reveal() const { return text_; }
  // Takes the same time wherever the texts differ; it may tell their lengths.
  [[nodiscard]] bool equals(std::string_view other) const {
    if (other.size() != text_.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < other.size(); ++i) {
      difference |= static_cast<unsigned>(static_cast<unsigned char>(text_[i]) ^ static_cast<unsigned char>(other[i]));
    }
    return difference == 0;
  }

 private:
  void wipe() {
    volatile char* at = text_.data();
    for (std::size_t i = 0; i < text_.size(); ++i) at[i] = 0;
    text_.clear();
  }
  std::string text_;
};

}  // namespace tocsin::core
