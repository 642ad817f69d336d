// One loop on the calling thread: open the next stream, cut the next block, give it out, take finished results in
// order. A block of a splittable stream goes to whichever worker is free; one of a stream with memory (a header line,
// open audit events) always to the same worker, which sees that stream's blocks in order. A splittable stream becomes such
// a one for the length of a line that fills more than a block: a decoder that has seen the front of it must see its end.
#include "cli/pipeline.h"

#include <sys/stat.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "source/block_reader.h"
#include "source/file_input.h"

namespace tocsin::cli {
namespace {

struct Job {
  std::uint64_t sequence = 0;
  std::shared_ptr<const StreamInfo> stream;
  std::string_view bytes;
  std::shared_ptr<const void> owner;
  std::shared_ptr<const source::MappedFile> mapped;  // To release pages behind us.
  std::size_t offset = 0;
  bool numbered_in_stream = false;  // Its decoder counts records through the stream.
  bool own_decoder = false;         // All such blocks of a stream go to one decoder, in order.
  bool last_of_own = false;         // The next such block begins with a fresh decoder.
  bool last = false;
  std::shared_ptr<const std::string> head;  // Of the stream: what its decoder is chosen by.
};

// One thread's decoders and batch.
class Lane {
 public:
  Lane(std::unique_ptr<BlockWorker> worker, const PipelineOptions& options)
      : worker_(std::move(worker)), options_(options), batch_(worker_->names()) {}

  // Gives the results of a block, part by part, to `put(result, last)`.
  template <class Put>
  void run(const Job& job, const Put& put) {
    batch_.clear();
    batch_.set_owner(job.owner);
    decode::Decoder& decoder = decoder_for(job);
    decoder.decode(job.bytes, batch_);
    if (job.last) decoder.finish(batch_);
    if (job.last || job.last_of_own) own_.erase(job.stream->index);
    std::size_t next = 0;
    auto result = work(job, next);
    while (next < batch_.size()) {
      put(std::move(result), false);
      result = work(job, next);
    }
    result->record_count = batch_.record_count;
    result->event_count = batch_.size();
    result->bad_count = batch_.bad_count();
    result->bad = batch_.bad();
    result->dropped_field_count = batch_.dropped_field_count();
    result->bytes = job.bytes.size();
    for (model::BadRecord& bad : result->bad) {
      bad.offset += job.offset;
      result->kept_bytes += sizeof bad + bad.detail.size() + bad.sample.size();
    }
    batch_.clear();
    if (job.mapped != nullptr) job.mapped->drop_before(job.offset + job.bytes.size());
    put(std::move(result), true);
  }

 private:
  std::unique_ptr<BlockResult> work(const Job& job, std::size_t& next) {
    auto result = worker_->work(batch_, *job.stream, next);
    result->stream = job.stream;
    result->numbered_in_stream = job.numbered_in_stream;
    return result;
  }

  decode::Decoder& decoder_for(const Job& job) {
    if (job.own_decoder) {
      auto& own = own_[job.stream->index];
      if (own == nullptr) own = decode::make_decoder_for(job.stream->format, *job.head, options_.decode);
      return *own;
    }
    auto& shared = shared_[job.stream->format];
    if (shared == nullptr) shared = decode::make_decoder_for(job.stream->format, *job.head, options_.decode);
    return *shared;
  }

  std::unique_ptr<BlockWorker> worker_;
  const PipelineOptions& options_;
  model::Batch batch_;
  std::map<model::Format, std::unique_ptr<decode::Decoder>> shared_;
  std::unordered_map<std::uint32_t, std::unique_ptr<decode::Decoder>> own_;
};

// Jobs to threads and results back. With one thread there are no threads: a job is done when it is given.
class Crew {
 public:
  using Deliver = std::function<void(BlockResult&)>;

  // `deliver` is used where there are no threads.
  Crew(const PipelineOptions& options, const Pipeline::MakeWorker& make_worker, Deliver deliver)
      : deliver_(std::move(deliver)), limit_(std::max(1U, options.threads) * kBlocksPerThread) {
    const std::uint32_t count = std::max(1U, options.threads);
    for (std::uint32_t i = 0; i < count; ++i) lanes_.push_back(std::make_unique<Lane>(make_worker(), options));
    if (count == 1) return;
    own_jobs_.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) threads_.emplace_back([this, i] { work(i); });
  }

  ~Crew() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_workers_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // REQUIRES of give(): not full.
  [[nodiscard]] bool full() const { return given_ - taken_ >= limit_ || under_way_bytes_ >= kUnderWayBytes; }
  [[nodiscard]] bool idle() const { return given_ == taken_; }

  void give(Job job) {
    if (threads_.empty()) {
      lanes_[0]->run(job, [this](std::unique_ptr<BlockResult> result, bool) { deliver_(*result); });
      return;
    }
    job.sequence = given_++;
    under_way_bytes_ += job.bytes.size();
    {
      const std::lock_guard lock(mutex_);
      if (job.own_decoder)
        own_jobs_[job.stream->index % own_jobs_.size()].push_back(std::move(job));
      else
        jobs_.push_back(std::move(job));
    }
    wake_workers_.notify_all();
  }

  // The next result in order; null where there is none yet and `wait` is false. REQUIRES: !idle() where wait.
  std::unique_ptr<BlockResult> take(bool wait) {
    std::unique_ptr<BlockResult> result;
    {
      std::unique_lock lock(mutex_);
      const auto ready = [this] { return parts_.contains(taken_) && !parts_[taken_].results.empty(); };
      if (!ready()) {
        if (!wait) return nullptr;
        wake_taker_.wait(lock, ready);
      }
      Parts& parts = parts_[taken_];
      result = std::move(parts.results.front());
      parts.results.pop_front();
      kept_bytes_ -= result->kept_bytes;
      if (parts.complete && parts.results.empty()) parts_.erase(taken_++);
    }
    under_way_bytes_ -= result->bytes;
    wake_workers_.notify_all();
    return result;
  }

 private:
  // The queue to take from, or null. The block whose turn it is may always be worked on, so waiting ends.
  std::deque<Job>* next_queue(std::uint32_t number) {
    std::deque<Job>& own = own_jobs_[number];
    if (own.empty() && jobs_.empty()) return nullptr;
    const bool take_own = jobs_.empty() || (!own.empty() && own.front().sequence < jobs_.front().sequence);
    std::deque<Job>& queue = take_own ? own : jobs_;
    return kept_bytes_ >= kKeptBytes && queue.front().sequence != taken_ ? nullptr : &queue;
  }

  void work(std::uint32_t number) {
    std::unique_lock lock(mutex_);
    while (true) {
      std::deque<Job>* from = next_queue(number);
      if (from == nullptr) {
        if (stopping_) return;
        wake_workers_.wait(lock);
        continue;
      }
      const Job job = std::move(from->front());
      from->pop_front();
      lock.unlock();
      lanes_[number]->run(
          job, [&](std::unique_ptr<BlockResult> result, bool last) { put(job.sequence, std::move(result), last); });
      lock.lock();
    }
  }

  // Waits for room. A worker takes the lowest block it may take, so the block whose turn it is never waits behind a
  // worker that waits here.
  void put(std::uint64_t sequence, std::unique_ptr<BlockResult> result, bool last) {
    {
      std::unique_lock lock(mutex_);
      wake_workers_.wait(lock, [&] {
        return stopping_ || kept_bytes_ + result->kept_bytes <= kKeptBytes ||
               (sequence == taken_ && parts_[sequence].results.empty());
      });
      kept_bytes_ += result->kept_bytes;
      Parts& parts = parts_[sequence];
      parts.results.push_back(std::move(result));
      parts.complete = last;
    }
    wake_taker_.notify_one();
  }

  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_workers_, wake_taker_;
  std::deque<Job> jobs_;
  std::vector<std::deque<Job>> own_jobs_;
  struct Parts {
    std::deque<std::unique_ptr<BlockResult>> results;
    bool complete = false;
  };
  std::unordered_map<std::uint64_t, Parts> parts_;
  std::uint64_t kept_bytes_ = 0;  // Of results in parts_.
  Deliver deliver_;
  std::uint64_t taken_ = 0;  // Written by the calling thread under the lock.
  std::uint64_t given_ = 0;  // Calling thread only, as the two below.
  std::uint64_t under_way_bytes_ = 0;
  std::uint64_t limit_;
  bool stopping_ = false;
};

// Files by what they are, whatever path leads to them.
class FileIds {
 public:
  explicit FileIds(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      struct stat info{};
      if (::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode)) ids_.emplace(info.st_dev, info.st_ino);
    }
  }
  [[nodiscard]] bool hold(const std::string& path) const {
    struct stat info{};
    return !ids_.empty() && ::stat(path.c_str(), &info) == 0 && ids_.contains({info.st_dev, info.st_ino});
  }

 private:
  std::set<std::pair<dev_t, ino_t>> ids_;
};

class Run {
 public:
  Run(const PipelineOptions& options, const Pipeline::MakeWorker& make_worker, const Pipeline::Take& take,
      const Pipeline::Report& report)
      : options_(options),
        take_(take),
        report_(report),
        outputs_(options.outputs),
        crew_(options, make_worker, [this](BlockResult& result) { hand_over(result); }) {}

  PipelineStats run() {
    const std::vector<source::InputList> lists = list();
    for (const source::InputList& given : lists) {
      if (stopped()) break;
      read_all(given);
    }
    while (!crew_.idle()) hand_over(*crew_.take(true));
    if (report_) report_(progress_);
    return std::move(stats_);
  }

 private:
  // One list for each path given; standard input once.
  std::vector<source::InputList> list() {
    std::vector<source::InputList> out;
    std::size_t room = source::kMaxFiles;
    bool standard_input_listed = false;
    for (const std::string& path : options_.paths) {
      if (path == "-" && std::exchange(standard_input_listed, true)) continue;
      out.push_back(source::list_inputs(std::span(&path, 1), {.max_files = room}));
      room -= std::min(room, out.back().inputs.size());
      progress_.total_bytes += out.back().total_bytes;
      stats_.skipped_links += out.back().skipped_link_count;
    }
    return out;
  }

  void read_all(const source::InputList& given) {
    const std::uint64_t streams_before = stats_.streams, problems_before = stats_.problem_count;
    add_problems(given.problems);
    for (const source::Input& input : given.inputs) {
      if (stopped()) return;
      if (!input.standard_input && outputs_.hold(input.path)) {
        ++stats_.skipped_outputs;
        continue;
      }
      source::InputReader reader(input, {.stop = options_.stop});
      while (source::Stream* stream = stopped() ? nullptr : reader.next()) read(*stream, reader);
      add_problems(reader.problems());
      done_bytes_ += std::max(input.size_bytes, reader.consumed_bytes());
      progress_.read_bytes = done_bytes_;
    }
    if (stats_.streams == streams_before && stats_.problem_count > problems_before) ++stats_.unreadable_paths;
  }

  bool stopped() {
    if (!stats_.stopped && options_.stop && options_.stop()) stats_.stopped = true;
    return stats_.stopped;
  }

  void add_problem(InputProblem problem) {
    ++stats_.problem_count;
    if (stats_.problems.size() < source::kMaxProblemsKept) stats_.problems.push_back(std::move(problem));
  }

  void add_problems(const source::ProblemLog& log) {
    stats_.problem_count += log.count();
    for (const source::Problem& problem : log.kept()) {
      if (stats_.problems.size() < source::kMaxProblemsKept)
        stats_.problems.push_back({problem.name, problem.cause, problem.detail});
    }
  }

  void read(source::Stream& stream, const source::InputReader& reader) {
    const auto head = std::make_shared<const std::string>(stream.head());
    if (head->empty()) return;
    auto info = std::make_shared<StreamInfo>();
    info->name = stream.name();
    info->format = options_.format ? *options_.format : decode::sniff(*head);
    if (info->format == model::Format::kUnknown) {
      ++stats_.unrecognised_streams;
      add_problem({info->name, "format-unknown", "its bytes look like no log; --input-format reads it anyway"});
      return;
    }
    info->index = static_cast<std::uint32_t>(stats_.streams++);
    const auto decoder = decode::make_decoder_for(info->format, *head, options_.decode);
    if (info->format == model::Format::kEvtx && stream.can_map()) {
      auto mapped = stream.map();
      if (mapped.ok()) {
        give_mapped(*mapped, info, *decoder, head);
        return;
      }
    }
    give_blocks(stream, reader, info, *decoder, head);
  }

  void give_mapped(const std::shared_ptr<const source::MappedFile>& file, const std::shared_ptr<const StreamInfo>& info,
                   decode::Decoder& decoder, const std::shared_ptr<const std::string>& head) {
    const std::string_view bytes = file->bytes();
    std::size_t at = 0;
    while (at < bytes.size() && !stopped()) {
      // A block too small for a record (the EVTX unit is 64 KB) is doubled until one fits.
      std::size_t taken = 0;
      for (std::size_t size = options_.block_bytes; taken == 0; size *= 2) {
        const bool last = size >= bytes.size() - at;
        taken = decoder.cut(bytes.substr(at, size), last);
        if (last && taken == 0) taken = bytes.size() - at;
      }
      Job job{.stream = info, .bytes = bytes.substr(at, taken), .owner = file, .mapped = file, .offset = at, .head = head};
      at += taken;
      job.last = at == bytes.size();
      progress_.read_bytes = done_bytes_ + at;
      give(std::move(job));
    }
  }

  void give_blocks(source::Stream& stream, const source::InputReader& input, const std::shared_ptr<const StreamInfo>& info,
                   decode::Decoder& decoder, const std::shared_ptr<const std::string>& head) {
    source::ProblemLog problems;
    const bool splittable = decoder.splittable();
    bool in_long_line = false;
    source::BlockReader reader(stream, [&](std::string_view buffer, bool last) { return decoder.cut(buffer, last); },
                               problems, {.block_bytes = options_.block_bytes});
    // A pipe that was stopped while it was waited for gives what it had as its last block.
    for (std::optional<source::Block> block = reader.next(); block; block = stopped() ? std::nullopt : reader.next()) {
      Job job{.stream = info,
              .bytes = block->bytes,
              .owner = block->owner,
              .mapped = nullptr,
              .offset = static_cast<std::size_t>(block->offset),
              .numbered_in_stream = !splittable,
              .own_decoder = !splittable,
              .last = block->last,
              .head = head};
      if (splittable && info->format != model::Format::kEvtx) {
        const bool whole = block->last || block->bytes.ends_with('\n');
        job.own_decoder = in_long_line || !whole;
        job.last_of_own = whole;
        in_long_line = !whole;
      }
      progress_.read_bytes = done_bytes_ + input.consumed_bytes();
      give(std::move(job));
    }
    add_problems(problems);
  }

  void give(Job job) {
    while (crew_.full()) hand_over(*crew_.take(true));
    crew_.give(std::move(job));
    while (!crew_.idle()) {
      const auto result = crew_.take(false);
      if (result == nullptr) break;
      hand_over(*result);
    }
  }

  void hand_over(BlockResult& result) {
    if (result.stream->index != stream_index_) {  // Results come stream by stream.
      stream_index_ = result.stream->index;
      records_before_ = 0;
    }
    result.first_record = result.numbered_in_stream ? 0 : records_before_;
    records_before_ += result.record_count;
    for (model::BadRecord& bad : result.bad) {
      if (bad.record != 0) bad.record += result.first_record;
    }
    stats_.records += result.record_count;
    stats_.events += result.event_count;
    stats_.bad_records += result.bad_count;
    stats_.dropped_fields += result.dropped_field_count;
    stats_.bytes += result.bytes;
    progress_.events = stats_.events;
    take_(result);
    if (report_) report_(progress_);
  }

  const PipelineOptions& options_;
  const Pipeline::Take& take_;
  const Pipeline::Report& report_;
  const FileIds outputs_;
  Crew crew_;
  PipelineStats stats_;
  Progress progress_;
  std::uint64_t done_bytes_ = 0;
  std::uint32_t stream_index_ = 0;
  std::uint64_t records_before_ = 0;
};

}  // namespace

PipelineStats Pipeline::run(const MakeWorker& make_worker, const Take& take, const Report& report) {
  return Run(options_, make_worker, take, report).run();
}

}  // namespace tocsin::cli
