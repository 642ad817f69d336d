// One line on the terminal that says how far a run is: bytes, rate, time left. Nothing where it is not a terminal.
#pragma once
#include <chrono>

#include "cli/pipeline.h"

namespace tocsin::cli {

class ProgressBar {
 public:
  explicit ProgressBar(bool enabled) : enabled_(enabled) {}
  // Draws at once, then at most ten times a second.
  void show(const Progress& progress);
  void clear();

 private:
  bool enabled_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = begin_;
};

// "1.4 GB", "312 KB": powers of 1,000.
std::string human_bytes(double bytes);

}  // namespace tocsin::cli
