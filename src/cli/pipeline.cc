// One loop on the calling thread: open the next stream, cut the next block, give it out, take finished results in
// order. A block of a splittable stream goes to whichever worker is free; one of a stream with memory (a header line,
// open audit events) always to the same worker, which sees that stream's blocks in order.
#include "cli/pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

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
  bool splittable = true;
  bool last = false;
  std::shared_ptr<const std::string> head;  // Of the stream: what its decoder is chosen by.
};

// One thread's decoders and batch.
class Lane {
 public:
  Lane(std::unique_ptr<BlockWorker> worker, const PipelineOptions& options)
      : worker_(std::move(worker)), options_(options), batch_(worker_->names()) {}

  std::unique_ptr<BlockResult> run(const Job& job) {
    batch_.clear();
    batch_.set_owner(job.owner);
    decode::Decoder& decoder = decoder_for(job);
    decoder.decode(job.bytes, batch_);
    if (job.last) {
      decoder.finish(batch_);
      if (!job.splittable) own_.erase(job.stream->index);
    }
    auto result = worker_->work(batch_, *job.stream);
    result->stream = job.stream;
    result->record_count = batch_.record_count;
    result->event_count = batch_.size();
    result->bad_count = batch_.bad_count();
    result->bad = batch_.bad();
    result->dropped_field_count = batch_.dropped_field_count();
    result->bytes = job.bytes.size();
    for (model::BadRecord& bad : result->bad) bad.offset += job.offset;
    batch_.clear();
    if (job.mapped != nullptr) job.mapped->drop_before(job.offset + job.bytes.size());
    return result;
  }

 private:
  decode::Decoder& decoder_for(const Job& job) {
    if (!job.splittable) {
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
  Crew(const PipelineOptions& options, const Pipeline::MakeWorker& make_worker)
      : limit_(std::max(1U, options.threads) * kBlocksPerThread) {
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

  [[nodiscard]] bool full() const { return given_ - taken_ >= limit_; }
  [[nodiscard]] bool idle() const { return given_ == taken_; }

  void give(Job job) {
    job.sequence = given_++;
    if (threads_.empty()) {
      finished_.emplace(job.sequence, lanes_[0]->run(job));
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      if (job.splittable) jobs_.push_back(std::move(job));
      else own_jobs_[job.stream->index % own_jobs_.size()].push_back(std::move(job));
    }
    wake_workers_.notify_all();
  }

  // The next result in order; null where it is not finished and `wait` is false. REQUIRES: !idle() where wait.
  std::unique_ptr<BlockResult> take(bool wait) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return finished_.contains(taken_); };
    if (!ready()) {
      if (!wait) return nullptr;
      wake_taker_.wait(lock, ready);
    }
    auto node = finished_.extract(taken_);
    ++taken_;
    return std::move(node.mapped());
  }

 private:
  void work(std::uint32_t number) {
    std::unique_lock lock(mutex_);
    while (true) {
      std::deque<Job>& own = own_jobs_[number];
      std::deque<Job>* from = !own.empty() ? &own : !jobs_.empty() ? &jobs_ : nullptr;
      if (from == nullptr) {
        if (stopping_) return;
        wake_workers_.wait(lock);
        continue;
      }
      const Job job = std::move(from->front());
      from->pop_front();
      lock.unlock();
      auto result = lanes_[number]->run(job);
      lock.lock();
      finished_.emplace(job.sequence, std::move(result));
      wake_taker_.notify_one();
    }
  }

  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_workers_, wake_taker_;
  std::deque<Job> jobs_;
  std::vector<std::deque<Job>> own_jobs_;
  std::unordered_map<std::uint64_t, std::unique_ptr<BlockResult>> finished_;
  std::uint64_t given_ = 0, taken_ = 0;  // Calling thread only.
  std::uint64_t limit_;
  bool stopping_ = false;
};

class Run {
 public:
  Run(const PipelineOptions& options, const Pipeline::MakeWorker& make_worker, const Pipeline::Take& take,
      const Pipeline::Report& report)
      : options_(options), take_(take), report_(report), crew_(options, make_worker) {}

  PipelineStats run() {
    const source::InputList list = source::list_inputs(options_.paths);
    add_problems(list.problems);
    progress_.total_bytes = list.total_bytes;
    for (const source::Input& input : list.inputs) {
      source::InputReader reader(input);
      while (source::Stream* stream = reader.next()) {
        read(*stream);
        progress_.read_bytes = done_bytes_ + reader.consumed_bytes();
      }
      add_problems(reader.problems());
      done_bytes_ += std::max(input.size_bytes, reader.consumed_bytes());
      progress_.read_bytes = done_bytes_;
    }
    while (!crew_.idle()) hand_over(*crew_.take(true));
    if (report_) report_(progress_);
    return std::move(stats_);
  }

 private:
  void add_problems(const source::ProblemLog& log) {
    stats_.problem_count += log.count();
    for (const source::Problem& problem : log.kept()) {
      if (stats_.problems.size() < source::kMaxProblemsKept) stats_.problems.push_back({problem.name, problem.cause, problem.detail});
    }
  }

  void read(source::Stream& stream) {
    const auto head = std::make_shared<const std::string>(stream.head());
    if (head->empty()) return;
    auto info = std::make_shared<StreamInfo>();
    info->index = static_cast<std::uint32_t>(stats_.streams++);
    info->name = stream.name();
    info->format = options_.format ? *options_.format : decode::sniff(*head);
    if (info->format == model::Format::kUnknown) {
      ++stats_.unrecognised_streams;
      ++stats_.problem_count;
      if (stats_.problems.size() < source::kMaxProblemsKept) {
        stats_.problems.push_back({info->name, "format-unknown", "its bytes look like no log; --input-format reads it anyway"});
      }
      return;
    }
    const auto decoder = decode::make_decoder_for(info->format, *head, options_.decode);
    if (info->format == model::Format::kEvtx && stream.can_map()) {
      auto mapped = stream.map();
      if (mapped.ok()) {
        give_mapped(*mapped, info, *decoder, head);
        return;
      }
    }
    give_blocks(stream, info, *decoder, head);
  }

  void give_mapped(const std::shared_ptr<const source::MappedFile>& file, const std::shared_ptr<const StreamInfo>& info,
                   decode::Decoder& decoder, const std::shared_ptr<const std::string>& head) {
    const std::string_view bytes = file->bytes();
    std::size_t at = 0;
    while (at < bytes.size()) {
      const std::size_t size = std::min(options_.block_bytes, bytes.size() - at);
      const bool last = at + size == bytes.size();
      const std::size_t cut = decoder.cut(bytes.substr(at, size), last);
      // A block too small for the record is tried again whole; the EVTX unit of 64 KB always fits.
      const std::size_t taken = cut == 0 ? bytes.size() - at : cut;
      Job job{.stream = info, .bytes = bytes.substr(at, taken), .owner = file, .mapped = file, .offset = at, .head = head};
      at += taken;
      job.last = at == bytes.size();
      give(std::move(job));
    }
  }

  void give_blocks(source::Stream& stream, const std::shared_ptr<const StreamInfo>& info, decode::Decoder& decoder,
                   const std::shared_ptr<const std::string>& head) {
    source::ProblemLog problems;
    const bool splittable = decoder.splittable();
    source::BlockReader reader(
        stream, [&](std::string_view buffer, bool last) { return decoder.cut(buffer, last); }, problems,
        {.block_bytes = options_.block_bytes});
    while (auto block = reader.next()) {
      Job job{.stream = info, .bytes = block->bytes, .owner = block->owner, .mapped = nullptr,
              .offset = static_cast<std::size_t>(block->offset), .splittable = splittable, .last = block->last, .head = head};
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
    std::uint64_t& base = records_before_[result.stream->index];
    result.first_record = base;
    base += result.record_count;
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
  Crew crew_;
  PipelineStats stats_;
  Progress progress_;
  std::uint64_t done_bytes_ = 0;
  std::unordered_map<std::uint32_t, std::uint64_t> records_before_;
};

}  // namespace

PipelineStats Pipeline::run(const MakeWorker& make_worker, const Take& take, const Report& report) {
  return Run(options_, make_worker, take, report).run();
}

}  // namespace tocsin::cli
