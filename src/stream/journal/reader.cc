#include <algorithm>

#include "core/assert.h"
#include "stream/journal/local_journal.h"

namespace tocsin::stream {
namespace {

constexpr std::chrono::milliseconds kMaxWait = std::chrono::hours(24);  // So that a time can be added to it.

class LocalReader final : public Journal::Reader {
 public:
  LocalReader(LocalJournal& journal, std::uint64_t from) : journal_(journal), next_(std::max<std::uint64_t>(from, 1)) {}

  core::Result<std::optional<StoredDelivery>> next(std::chrono::milliseconds wait) override {
    const auto until = std::chrono::steady_clock::now() + std::min(wait, kMaxWait);
    while (true) {
      std::optional<LocalJournal::View> view = look();
      if (!view) {
        journal_.wait_for(next_, until);
        view = look();
        if (!view) return std::optional<StoredDelivery>();
      }
      if (std::optional<StoredDelivery> found = TOCSIN_TRY(next_in(*view))) return found;
      next_ = std::max(next_, view->last + 1);
    }
  }

 private:
  // The segment being read, and where in it.
  struct Open {
    std::shared_ptr<Segment> segment;
    SegmentCursor cursor;
    explicit Open(const std::shared_ptr<Segment>& of) : segment(of), cursor(*of, of->head) {}
  };

  // A segment once begun is read to its end, also where it was removed meanwhile.
  [[nodiscard]] std::optional<LocalJournal::View> look() const {
    if (open_) {
      LocalJournal::View view = journal_.view_of(open_->segment);
      if (next_ <= view.last) return view;
    }
    return journal_.view(next_);
  }

  core::Result<std::optional<StoredDelivery>> next_in(const LocalJournal::View& view) {
    if (!view.segment->readable) {
      const std::uint64_t first = std::max(next_, view.segment->first());
      if (first <= view.last) journal_.note_damage({{first, view.last}});
      return std::optional<StoredDelivery>();
    }
    if (!open_ || open_->segment != view.segment) open_ = std::make_unique<Open>(view.segment);
    SegmentCursor::Extent extent;
    extent.end_bytes = view.end_bytes;
    extent.last = view.last;
    extent.wanted = next_;
    core::Result<bool> found = open_->cursor.next(extent);
    journal_.note_damage(open_->cursor.take_damage());
    if (!found.ok()) {
      open_.reset();
      return found.error();
    }
    if (!found.value()) return std::optional<StoredDelivery>();
    std::optional<model::Delivery> delivery = to_delivery(open_->cursor.front(), open_->cursor.payload());
    TOCSIN_ASSERT(delivery.has_value());  // The cursor compared the sizes.
    StoredDelivery out{.sequence = open_->cursor.sequence(), .delivery = std::move(*delivery)};
    next_ = out.sequence + 1;
    return std::optional(std::move(out));
  }

  LocalJournal& journal_;
  std::uint64_t next_;
  std::unique_ptr<Open> open_;
};

}  // namespace

std::unique_ptr<Journal::Reader> make_reader(LocalJournal& journal, std::uint64_t from) {
  return std::make_unique<LocalReader>(journal, from);
}

std::uint64_t LocalJournal::sequence_at(core::Timestamp time) {
  std::vector<View> views;
  std::vector<core::Timestamp> newest;
  std::uint64_t after = 1;
  {
    const core::Lock lock(mutex_);
    for (const std::shared_ptr<Segment>& segment : segments_) {
      views.push_back({segment, segment->end_bytes, segment->last});
      newest.push_back(segment->newest_received);
    }
    after = synced_last_ + 1;
  }
  for (std::size_t i = 0; i < views.size(); ++i) {
    const View& view = views[i];
    if (view.last < view.segment->first() || !view.segment->readable || (newest[i].known() && newest[i] < time)) continue;
    SegmentCursor cursor(*view.segment, view.segment->head);
    SegmentCursor::Extent extent;
    extent.end_bytes = view.end_bytes;
    extent.last = view.last;
    extent.payload = false;
    core::Timestamp seen;
    while (true) {
      const core::Result<bool> found = cursor.next(extent);
      if (!found.ok()) return view.segment->first();  // It cannot be told: earlier is safe, the reader meets the error.
      if (!found.value()) break;
      if (cursor.front().received_at >= time) return cursor.sequence();
      seen = std::max(seen, cursor.front().received_at);
    }
    const core::Lock lock(mutex_);
    if (view.segment->last == view.last) view.segment->newest_received = std::max(view.segment->newest_received, seen);
  }
  return after;
}

}  // namespace tocsin::stream
