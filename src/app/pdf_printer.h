// PDF of an HTML page, made by Chromium where it is installed: a child process for each page.
//
// The child has a folder of its own for page, profile and result (mode 0700, removed afterwards), a bare environment, no
// standard streams, and is told to use no network and no just-in-time code. It is in a process group of its own, which is
// killed as a whole: when the page is done, or after the time. Its own sandbox is off, as it needs rights that a hardened
// service does not have: what it opens is a page of ours, in which all is escaped, without script or anything from
// elsewhere. Any thread; blocks.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::app {

inline constexpr unsigned kMaxPrintsAtOnce = 2;  // Each takes some 300 MB.
inline constexpr std::size_t kMaxPdfBytes = 64u << 20;

struct PdfPrinterOptions {
  std::string browser;  // Path of the program.
  std::string folder;   // Where temporary folders are made.
  std::chrono::milliseconds time{60'000};
};

class PdfPrinter {
 public:
  explicit PdfPrinter(PdfPrinterOptions options) : options_(std::move(options)) {}
  // kLimit: kMaxPrintsAtOnce are being made. kIo: it failed; says how.
  core::Result<std::string> print(std::string_view html);

 private:
  const PdfPrinterOptions options_;
  std::atomic<unsigned> running_{0};
};

// chromium, chromium-browser or google-chrome in one of the folders of `search_path` ("/usr/bin:/bin").
std::optional<std::string> find_browser(std::string_view search_path);

}  // namespace tocsin::app
