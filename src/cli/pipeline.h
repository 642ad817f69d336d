// Files to batches of events, on several threads, with the results handed back in the order of the input.
//
// The calling thread reads and cuts; workers decode and call `work`; the calling thread then gets each result through
// `take`, by stream and within a stream by place, whatever the number of threads. Bounded: at most kBlocksPerThread
// blocks a thread are under way, and workers wait while the results not yet taken are larger than kKeptBytes, all but the
// one whose turn it is; a block that gives much gives it in parts. Everything a worker needs (names, decoders, engine) is
// its own: no locks on the way of an event, one per block of about a megabyte.
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
inline constexpr std::size_t kUnderWayBytes = 64u << 20;  // Of blocks: a record may need one of 32 MB.
inline constexpr std::size_t kKeptBytes = 32u << 20;      // Of results: findings are larger than the events they are about.
inline constexpr std::size_t kPartBytes = 4u << 20;       // Of one result: where a worker should stop and go on in the next.

// One stream of events: a file, or a member of an archive.
struct StreamInfo {
  std::uint32_t index = 0;
  std::string name;
  model::Format format = model::Format::kUnknown;
};

// What a worker made of one block, or of a part of it; `take` gets it back. Derived by the command. The counts and `bad`
// are of the whole block and stand in its last part; they are 0 in the others.
struct BlockResult {
  virtual ~BlockResult() = default;
  std::shared_ptr<const StreamInfo> stream;
  bool numbered_in_stream = false;
  std::uint64_t first_record = 0;  // To add to EventSlot::record to have its number in the stream.
  std::uint64_t record_count = 0, event_count = 0, bad_count = 0, dropped_field_count = 0, bytes = 0;
  std::uint64_t kept_bytes = 0;       // Roughly what the result holds: set by the worker.
  std::vector<model::BadRecord> bad;  // As decoded; record and offset are made absolute before `take`.
};

// One per thread.
class BlockWorker {
 public:
  virtual ~BlockWorker() = default;
  [[nodiscard]] virtual model::NameTable& names() = 0;
  // Works on the events from `next` on, and sets it behind the last one it did: all, or fewer where the result is larger
  // than kPartBytes. Views into the batch do not outlive the call.
  virtual std::unique_ptr<BlockResult> work(const model::Batch& batch, const StreamInfo& stream, std::size_t& next) = 0;
};

struct InputProblem {
  std::string name, cause, detail;
};

struct PipelineOptions {
  std::vector<std::string> paths;
  std::optional<model::Format> format;  // --input-format; empty: told from content.
  decode::DecodeOptions decode;
  std::uint32_t threads = 1;  // 1: everything on the calling thread.
  std::size_t block_bytes = kBlockBytes;
  // Asked between blocks and while a read waits, on the calling thread: true ends the run as if the input ended there.
  std::function<bool()> stop = {};
  std::vector<std::string> outputs;  // Files this run writes: not read where a folder holds them.
};

struct PipelineStats {
  // Streams whose format was told: the others are only problems.
  std::uint64_t streams = 0, records = 0, events = 0, bad_records = 0, dropped_fields = 0, bytes = 0;
  std::uint64_t unrecognised_streams = 0;
  std::vector<InputProblem> problems;  // Files and members that could not be read; at most 1,000 kept.
  std::uint64_t problem_count = 0;
  std::uint64_t unreadable_paths = 0;  // Of PipelineOptions::paths: nothing of it could be read, for some problem.
  std::uint64_t skipped_links = 0;     // Symbolic links inside folders.
  std::uint64_t skipped_outputs = 0;   // See PipelineOptions::outputs.
  bool stopped = false;                // By PipelineOptions::stop.
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
