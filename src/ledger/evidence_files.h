// The bytes of evidence: files named by their SHA-256, `<folder>/<first two of it>/<sha256>`, mode 0600.
//
// Any thread. A file is written aside, in `<folder>.incoming`, synced, renamed, and its folder synced: what put() answered
// survives a crash, and no half file ever has a name. The same bytes are one file, whoever puts them; putting them again
// repairs a copy that was damaged. Nothing is removed here but leftovers of a crash, at the start.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/metrics.h"
#include "core/result.h"

namespace tocsin::ledger {

// One file. Bodies of requests come whole in memory and the server takes none longer than this (http::Limits).
inline constexpr std::size_t kMaxEvidenceFileBytes = 32u << 20;

class EvidenceFiles {
 public:
  // Makes the folders (mode 0700) where absent.
  static core::Result<std::unique_ptr<EvidenceFiles>> open(const std::string& folder, core::Metrics& metrics);

  // Answers the SHA-256 in lower-case hex, computed of each block as it is written. kLimit: too long, or the disk is full.
  core::Result<std::string> put(std::string_view bytes);

  struct Read {
    std::string sha256;  // As found, of all that is there; empty: there is no file.
    std::string bytes;   // Empty where sha256 is not the one asked for: such bytes are nobody's evidence.
    [[nodiscard]] bool intact(std::string_view expected) const { return sha256 == expected; }
  };
  // REQUIRES: `sha256` is one, of the ledger. A file that is not what it should be is counted, no error; kIo: it cannot be
  // read.
  core::Result<Read> read(const std::string& sha256);

 private:
  EvidenceFiles(std::string folder, core::Metrics& metrics);
  core::Result<void> prepare();
  const std::string folder_, incoming_;
  std::atomic<std::uint64_t> next_{0};
  core::Counter &stored_, &mismatches_;
};

}  // namespace tocsin::ledger
