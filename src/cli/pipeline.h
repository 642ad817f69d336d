// Files to batches of events, on several threads, with the results handed back in the order of the input.
//
// The calling thread reads and cuts; workers decode and call `work`; the calling thread then gets each result through
// `take`, by stream and within a stream by place, whatever the number of threads. Bounded: at most kBlocksPerThread
// blocks a thread are under way. Everything a worker needs (names, decoders, engine) is its own: no locks on the way
// of an event, one per block of about a megabyte.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"
#include "decode/decoder.h"
#include "model/event.h"

namespace tocsin::cli {

inline constexpr std::size_t kBlocksPerThread = 4;
inline constexpr std::size_t kBlockBytes = 1u << 20;

// One stream of events: a file, or a member of an archive.
struct StreamInfo {
  std::uint32_t index = 0;
  std::string name;
  model::Format format = model::Format::kUnknown;
};

// What a worker made of one block; `take` gets it back. Derived by the command.
struct BlockResult {
  virtual ~BlockResult() = default;
  std::shared_ptr<const StreamInfo> stream;
  std::uint64_t first_record = 0;     // Records of the stream before this block: add to EventSlot::record.
  std::uint64_t record_count = 0, event_count = 0, bad_count = 0, dropped_field_count = 0, bytes = 0;
  std::vector<model::BadRecord> bad;  // As decoded; record and offset are made absolute before `take`.
};

// One per thread.
class BlockWorker {
 public:
  virtual ~BlockWorker() = default;
  [[nodiscard]] virtual model::NameTable& names() = 0;
  // Views into the batch do not outlive the call.
  virtual std::unique_ptr<BlockResult> work(const model::Batch& batch, const StreamInfo& stream) = 0;
};

struct InputProblem {
  std::string name, cause, detail;
};

struct PipelineOptions {
  std::vector<std::string> paths;
  std::optional<model::Format> format;      // --input-format; empty: told from content.
  decode::DecodeOptions decode;
  std::uint32_t threads = 1;                // 1: everything on the calling thread.
  std::size_t block_bytes = kBlockBytes;
};

struct PipelineStats {
  std::uint64_t streams = 0, records = 0, events = 0, bad_records = 0, dropped_fields = 0, bytes = 0;
  std::uint64_t unrecognised_streams = 0;
  std::vector<InputProblem> problems;       // Files and members that could not be read; at most 1,000 kept.
  std::uint64_t problem_count = 0;
};

struct Progress {
  std::uint64_t read_bytes = 0, total_bytes = 0, events = 0;
};

class Pipeline {
 public:
  using MakeWorker = std::function<std::unique_ptr<BlockWorker>()>;
  using Take = std::function<void(BlockResult&)>;
  using Report = std::function<void(const Progress&)>;

  explicit Pipeline(PipelineOptions options) : options_(std::move(options)) {}
  // Reads everything. `report` (may be empty) is called now and then. Call once.
  PipelineStats run(const MakeWorker& make_worker, const Take& take, const Report& report);

 private:
  PipelineOptions options_;
};

}  // namespace tocsin::cli
