// --errors FILE: every bad record as a JSON line with its file, place, cause and first bytes.
#pragma once
#include <fstream>
#include <string>

#include "cli/pipeline.h"

namespace tocsin::cli {

class BadRecordWriter {
 public:
  // An empty path: writes nothing.
  explicit BadRecordWriter(const std::string& path);
  // False where the file cannot be written.
  [[nodiscard]] bool good() const { return path_.empty() || out_.good(); }
  // False where something could not be written.
  [[nodiscard]] bool finish();
  void write(const model::BadRecord& bad, const StreamInfo& stream);

 private:
  std::string path_;
  std::ofstream out_;
};

}  // namespace tocsin::cli
