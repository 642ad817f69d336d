#include "source/journald.h"

#include <systemd/sd-journal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "source/journald/export.h"
#include "source/live/worker.h"

namespace tocsin::source {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLongestWait{1'000};       // For a notice of the journal.
constexpr milliseconds kWaitWithoutNotices{250};  // Where the journal gives no descriptor.
constexpr milliseconds kReopen{1'000};            // After it failed.
constexpr int kMaxDamagedInARow = 1'000;          // Then it is opened again.

struct Close {
  void operator()(sd_journal* journal) const { ::sd_journal_close(journal); }
  void operator()(char* text) const { ::free(text); }
};
using Journal = std::unique_ptr<sd_journal, Close>;

core::Error failure(const char* what, int error) {
  const bool denied = error == -EACCES || error == -EPERM;
  std::string text = std::string("The journal cannot be ") + what + ": " + std::strerror(-error) + ".";
  if (denied) text += " Add the user that Tocsin runs as to the group systemd-journal.";
  return {denied ? core::ErrorCode::kDenied : error == -ENOENT ? core::ErrorCode::kNotFound : core::ErrorCode::kIo, text};
}

int add_match(sd_journal* journal, const std::string& text) {
  return ::sd_journal_add_match(journal, text.data(), text.size());
}

// What the unit writes, and what the service manager writes about it.
int add_unit(sd_journal* journal, std::string unit) {
  if (unit.find('.') == std::string::npos) unit += ".service";
  for (const int result :
       {add_match(journal, "_SYSTEMD_UNIT=" + unit), ::sd_journal_add_disjunction(journal), add_match(journal, "_PID=1"),
        add_match(journal, "UNIT=" + unit), ::sd_journal_add_disjunction(journal)}) {
    if (result < 0) return result;
  }
  return 0;
}

core::Result<Journal> open_journal(const JournaldOptions& options) {
  sd_journal* opened = nullptr;
  int result = 0;
  if (!options.folder.empty()) {
    result = ::sd_journal_open_directory(&opened, options.folder.c_str(), 0);
  } else if (!options.name_space.empty()) {
    result = ::sd_journal_open_namespace(&opened, options.name_space.c_str(), SD_JOURNAL_LOCAL_ONLY);
  } else {
    result = ::sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY);
  }
  if (result < 0) return failure("opened", result);
  Journal journal(opened);
  ::sd_journal_set_data_threshold(opened, 0);
  for (const std::string& unit : options.units) {
    result = add_unit(opened, unit);
    if (result < 0) return failure("filtered by unit", result);
  }
  return core::Result<Journal>(std::move(journal));
}

std::string cursor_of(sd_journal* journal) {
  char* text = nullptr;
  if (::sd_journal_get_cursor(journal, &text) < 0) return {};
  const std::unique_ptr<char, Close> owned(text);
  return text;
}

class JournaldSource final : public Worker {
 public:
  JournaldSource(JournaldOptions options, SourceRef source, const SourceContext& context)
      : options_(std::move(options)),
        source_(std::move(source)),
        context_(context),
        key_("journald:" + std::to_string(static_cast<std::uint32_t>(source_.id))) {}
  ~JournaldSource() override { stop(milliseconds(0)); }

 private:
  void run() override;
  bool open();
  void begin();
  void begin_at_end();
  void go_behind(const std::string& cursor);
  bool next(std::string& entry);
  bool read_entry(std::string& entry);
  bool read_batch();
  bool flush();
  void wait();
  void trouble(std::string text);

  const JournaldOptions options_;
  const SourceRef source_;
  const SourceContext context_;
  const std::string key_;
  Journal journal_;
  bool here_ = false;    // The current entry is still to be given.
  std::string carried_;  // An entry for which the batch had no room, and its cursor.
  std::string carried_cursor_;
  std::string batch_, batch_cursor_, safe_cursor_;
  std::uint64_t batch_count_ = 0;
  int damaged_in_a_row_ = 0;
  std::string problem_;
};

void JournaldSource::trouble(std::string text) {
  if (text == problem_) return;
  problem_ = text;
  source_.meter->problem(std::move(text));
}

void JournaldSource::run() {
  safe_cursor_ = context_.intake.checkpoint(key_);
  while (!stopping()) {
    if (journal_ == nullptr && !open()) {
      const SteadyTime again = steady_clock::now() + kReopen;
      while (!stopping() && steady_clock::now() < again) sleep(-1, again);
      continue;
    }
    const bool more = read_batch();
    if (!flush()) return;
    if (!more && journal_ != nullptr) wait();
  }
}

bool JournaldSource::open() {
  auto opened = open_journal(options_);
  if (!opened.ok()) {
    trouble(opened.error().text);
    return false;
  }
  journal_ = std::move(opened).value();
  // Before anything is read: what is written from here on makes a notice.
  static_cast<void>(::sd_journal_get_fd(journal_.get()));
  const bool own = options_.folder.empty();
  const bool any =
      ::sd_journal_has_runtime_files(journal_.get()) > 0 || ::sd_journal_has_persistent_files(journal_.get()) > 0;
  trouble(own && !any
              ? "This host has no journal that can be read. Where journald runs, add the user that Tocsin runs as to "
                "the group systemd-journal."
              : "");
  damaged_in_a_row_ = 0;
  begin();
  return true;
}

void JournaldSource::begin() {
  here_ = false;
  carried_.clear();
  if (!safe_cursor_.empty()) return go_behind(safe_cursor_);
  using From = JournaldOptions::From;
  if (options_.from == From::kCursor) return go_behind(options_.cursor);
  if (options_.from == From::kNow) return begin_at_end();
  if (options_.from == From::kBeginning) {
    ::sd_journal_seek_head(journal_.get());
    return;
  }
  sd_id128_t boot{}, found{};
  std::uint64_t usec = 0;
  here_ = ::sd_id128_get_boot(&boot) >= 0 && ::sd_journal_seek_monotonic_usec(journal_.get(), boot, 0) >= 0 &&
          ::sd_journal_next(journal_.get()) > 0 && ::sd_journal_get_monotonic_usec(journal_.get(), &usec, &found) >= 0 &&
          sd_id128_equal(boot, found) != 0;
  if (!here_) begin_at_end();  // Nothing of this boot yet.
}

void JournaldSource::begin_at_end() {
  ::sd_journal_seek_tail(journal_.get());
  if (::sd_journal_previous(journal_.get()) <= 0) {
    ::sd_journal_seek_head(journal_.get());
    return;
  }
  batch_cursor_ = cursor_of(journal_.get());  // Handed in without bytes, so that a restart does not skip what comes now.
}

void JournaldSource::go_behind(const std::string& cursor) {
  if (::sd_journal_seek_cursor(journal_.get(), cursor.c_str()) < 0) {
    trouble("The place where the journal was read last is not valid; it is read from its beginning.");
    ::sd_journal_seek_head(journal_.get());
    return;
  }
  here_ = ::sd_journal_next(journal_.get()) > 0 && ::sd_journal_test_cursor(journal_.get(), cursor.c_str()) <= 0;
}

// Moves to the next entry and writes it to `entry`; false: there is none now.
bool JournaldSource::next(std::string& entry) {
  if (!carried_.empty()) {
    entry = std::exchange(carried_, {});
    return true;
  }
  while (!stopping()) {
    const int moved = std::exchange(here_, false) ? 1 : ::sd_journal_next(journal_.get());
    if (moved == 0) return false;
    entry.clear();
    if (moved > 0 && read_entry(entry)) {
      damaged_in_a_row_ = 0;
      return true;
    }
    source_.meter->refused("damaged");
    if (++damaged_in_a_row_ < kMaxDamagedInARow && moved > 0) continue;
    trouble("The journal is damaged, or was removed while it was read; it is opened again.");
    journal_.reset();
    return false;
  }
  return false;
}

bool JournaldSource::read_entry(std::string& entry) {
  sd_journal* const journal = journal_.get();
  std::uint64_t realtime = 0, monotonic = 0;
  sd_id128_t boot{};
  carried_cursor_ = cursor_of(journal);
  if (carried_cursor_.empty() || ::sd_journal_get_realtime_usec(journal, &realtime) < 0 ||
      ::sd_journal_get_monotonic_usec(journal, &monotonic, &boot) < 0) {
    return false;
  }
  std::array<char, SD_ID128_STRING_MAX> boot_text{};
  journald::append_field(entry, "__CURSOR", carried_cursor_);
  journald::append_field(entry, "__REALTIME_TIMESTAMP", std::to_string(realtime));
  journald::append_field(entry, "__MONOTONIC_TIMESTAMP", std::to_string(monotonic));
  journald::append_field(entry, "_BOOT_ID", ::sd_id128_to_string(boot, boot_text.data()));
  ::sd_journal_restart_data(journal);
  const void* data = nullptr;
  std::size_t size = 0;
  for (int failed = 0; failed < kMaxDamagedInARow;) {
    const int result = ::sd_journal_enumerate_data(journal, &data, &size);
    if (result == 0) break;
    if (result < 0) {
      ++failed;
      source_.meter->refused("damaged");
      // Steps over what it cannot give.
      if (::sd_journal_enumerate_available_data(journal, &data, &size) <= 0) break;
    }
    const std::string_view field(static_cast<const char*>(data), size);
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos || equals == 0 || field.starts_with("_BOOT_ID=")) continue;
    if (entry.size() + field.size() > kMaxJournaldEntryBytes) {
      source_.meter->refused("too-long");
      continue;
    }
    journald::append_field(entry, field.substr(0, equals), field.substr(equals + 1));
  }
  entry += '\n';
  return true;
}

// Fills the batch; false: the journal has no more now.
bool JournaldSource::read_batch() {
  std::string entry;
  while (next(entry)) {
    if (!batch_.empty() && batch_.size() + entry.size() > kJournaldBatchBytes) {
      carried_ = std::move(entry);
      return true;
    }
    batch_ += entry;
    batch_cursor_ = carried_cursor_;
    ++batch_count_;
    if (batch_.size() >= kJournaldBatchBytes) return true;
  }
  return false;
}

// False: the source stops.
bool JournaldSource::flush() {
  if (batch_cursor_.empty()) return true;
  model::Delivery delivery;
  delivery.source = source_.id;
  delivery.received_at = context_.clock.now();
  delivery.format = model::Format::kJournaldExport;
  delivery.peer = options_.folder.empty() ? "journald" : options_.folder;
  delivery.bytes = std::exchange(batch_, {});
  delivery.checkpoint_key = key_;
  delivery.checkpoint_value = std::exchange(batch_cursor_, {});
  const bool safe = deliver(context_.intake, delivery, [this](const core::Error& error) {
    trouble("The intake takes nothing now and is asked again: " + error.text);
  });
  if (!safe) return false;
  if (problem_.starts_with("The intake")) trouble({});
  safe_cursor_ = delivery.checkpoint_value;
  const std::uint64_t count = std::exchange(batch_count_, 0);
  if (count > 0) source_.meter->received(count, delivery.bytes.size(), context_.clock.now());
  return true;
}

void JournaldSource::wait() {
  sd_journal* const journal = journal_.get();
  const int descriptor = ::sd_journal_get_fd(journal);
  std::uint64_t timeout_usec = UINT64_MAX;
  auto until = steady_clock::now() + (descriptor < 0 ? kWaitWithoutNotices : kLongestWait);
  if (descriptor >= 0 && ::sd_journal_get_timeout(journal, &timeout_usec) >= 0 && timeout_usec != UINT64_MAX) {
    // On CLOCK_MONOTONIC, as steady_clock.
    until = std::min<SteadyTime>(until, SteadyTime(std::chrono::microseconds(static_cast<std::int64_t>(timeout_usec))));
  }
  sleep(descriptor, until);
  // New, removed and rotated files; the place in the journal is kept.
  if (::sd_journal_process(journal) >= 0) return;
  trouble("The journal does not tell of changes; it is opened again.");
  journal_.reset();
}

}  // namespace

bool journald_available() {
  auto journal = open_journal({});
  return journal.ok() &&
         (::sd_journal_has_runtime_files(journal->get()) > 0 || ::sd_journal_has_persistent_files(journal->get()) > 0);
}

core::Result<std::unique_ptr<LiveSource>> start_journald(JournaldOptions options, SourceRef source,
                                                         const SourceContext& context) {
  if (!options.folder.empty() && !options.name_space.empty()) {
    return core::Error{core::ErrorCode::kInvalid, "A journal is read from a folder or from a namespace, not from both."};
  }
  if ((options.from == JournaldOptions::From::kCursor) == options.cursor.empty()) {
    return core::Error{core::ErrorCode::kInvalid, "A cursor is needed where reading begins at one, and nowhere else."};
  }
  TOCSIN_TRY(open_journal(options));
  auto journald = std::make_unique<JournaldSource>(std::move(options), std::move(source), context);
  journald->start();
  return core::Result<std::unique_ptr<LiveSource>>(std::move(journald));
}

}  // namespace tocsin::source
