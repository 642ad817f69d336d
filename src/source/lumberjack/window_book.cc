#include "source/lumberjack/window_book.h"

namespace tocsin::source {
namespace {

std::string ack_frame(std::uint8_t version, std::uint32_t sequence) {
  std::string frame{static_cast<char>('0' + version), 'A'};
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(sequence >> shift & 0xFF);
  return frame;
}

}  // namespace

void WindowBook::begin(std::uint8_t version, std::uint32_t size) {
  if (has_pieces_ && !full()) {
    if (!pieces_.empty()) {
      pieces_.back().ends_window = true;
    } else {
      acks_ += ack_frame(safe_version_, safe_sequence_);
      safe_sequence_ = 0;
    }
  }
  version_ = version;
  size_ = size;
  count_ = 0;
  has_pieces_ = false;
}

void WindowBook::add(std::uint32_t sequence) {
  if (full()) {
    // Version 1 says its window once; the next one is as large.
    count_ = 0;
    has_pieces_ = false;
  }
  ++count_;
  sequence_ = sequence;
}

std::uint64_t WindowBook::piece() {
  pieces_.push_back({version_, sequence_, full(), false});
  has_pieces_ = true;
  return first_piece_ + pieces_.size() - 1;
}

void WindowBook::safe(std::uint64_t piece) {
  pieces_.at(piece - first_piece_).safe = true;
  while (!pieces_.empty() && pieces_.front().safe) {
    const Piece& front = pieces_.front();
    safe_sequence_ = front.sequence;
    safe_version_ = front.version;
    if (front.ends_window) {
      acks_ += ack_frame(front.version, front.sequence);
      safe_sequence_ = 0;
    }
    pieces_.pop_front();
    ++first_piece_;
  }
}

std::string WindowBook::take_acks() {
  std::string out;
  out.swap(acks_);
  return out;
}

std::string WindowBook::progress() const {
  const std::uint8_t version = pieces_.empty() ? version_ : pieces_.front().version;
  return version == 2 ? ack_frame(2, safe_sequence_) : std::string();
}

}  // namespace tocsin::source
