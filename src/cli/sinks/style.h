// Terminal colours, where they are wanted.
#pragma once
#include <string>
#include <string_view>

#include "model/rule_info.h"

namespace tocsin::cli {

class Style {
 public:
  explicit Style(bool colour) : colour_(colour) {}

  [[nodiscard]] std::string level(model::Level level, std::string_view text) const {
    switch (level) {
      case model::Level::kCritical: return paint("1;97;41", text);
      case model::Level::kHigh: return paint("1;31", text);
      case model::Level::kMedium: return paint("33", text);
      case model::Level::kLow: return paint("36", text);
      case model::Level::kInformational: return paint("2", text);
    }
    return std::string(text);
  }
  [[nodiscard]] std::string bold(std::string_view text) const { return paint("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return paint("2", text); }
  [[nodiscard]] std::string warning(std::string_view text) const { return paint("33", text); }

 private:
  [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const {
    if (!colour_) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
  }
  bool colour_;
};

// Short enough for a column: "info" for informational.
inline std::string_view short_name(model::Level level) {
  return level == model::Level::kInformational ? "info" : model::to_string(level);
}

}  // namespace tocsin::cli
