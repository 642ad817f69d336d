// A frame begins after the one before it; line feeds, carriage returns and NULs between frames are skipped. Then:
//
//   1-8 digits, a space, '<'     a counted frame: as many bytes as the digits say, from the '<' on (octet counting)
//   anything else                a line: up to the next line feed, or the end of the stream
//
// The '<' is asked for since a line without priority may well begin with a number: "2026 disk full". A count that is wrong
// shows at the next frame, which then begins in the middle of a message: it is counted as a bad frame and read as a line, so
// that the cutter is in step again behind the next line feed.
//
//   "8 <13>a\nb\n7 <13>de\n<14>f\n"  ->  "<13>a#012b", "<13>de", "<14>f"
//   "7 <13>a\nbc\n<14>d\n"           ->  "<13>a#012b", "c" (bad frame), "<14>d"
#include "source/syslog/frames.h"

#include <algorithm>

namespace tocsin::source::syslog {
namespace {

constexpr std::string_view kEnds("\n\r\0", 3);
// 99,999,999 bytes: no message is longer, and a longer count is noise rather than a reason to skip gigabytes.
constexpr std::size_t kMaxCountDigits = 8;
// Held memory a connection may keep between messages.
constexpr std::size_t kMaxIdleBytes = 16u << 10;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_ends(std::string_view message) { return message.substr(0, message.find_last_not_of(kEnds) + 1); }

void append_line(std::string_view message, Batch& out) {
  if (message.empty()) return;
  while (true) {
    const std::size_t feed = message.find('\n');
    out.bytes += message.substr(0, feed);
    if (feed == std::string_view::npos) break;
    out.bytes += "#012";
    message.remove_prefix(feed + 1);
  }
  out.bytes += '\n';
  ++out.message_count;
}

}  // namespace

bool append_message(std::string_view message, std::size_t max_bytes, Batch& out) {
  message = without_ends(message);
  append_line(message.substr(0, max_bytes), out);
  return message.size() > max_bytes;
}

void FrameCutter::feed(std::string_view bytes, Batch& out, FrameTroubles& troubles) {
  while (!bytes.empty()) {
    std::size_t used = 0;
    switch (state_) {
      case State::kBegin: used = begin(bytes, troubles); break;
      case State::kCount: used = read_count(bytes, troubles); break;
      case State::kLine: used = read_line(bytes, out, troubles); break;
      case State::kCounted: used = read_counted(bytes, out, troubles); break;
    }
    bytes.remove_prefix(used);
  }
}

void FrameCutter::finish(Batch& out, FrameTroubles& troubles) {
  if (state_ == State::kCount) become_line(after_counted_, troubles);
  if (state_ == State::kCounted) ++troubles.cut_off;
  if (state_ != State::kBegin) end_message({}, out, troubles);
  after_counted_ = false;
}

std::size_t FrameCutter::begin(std::string_view bytes, FrameTroubles& troubles) {
  const std::size_t first = bytes.find_first_not_of(kEnds);
  if (first == std::string_view::npos) return bytes.size();
  if (is_digit(bytes[first]) && bytes[first] != '0') {
    state_ = State::kCount;
  } else {
    become_line(after_counted_ && bytes[first] != '<', troubles);
  }
  return first;
}

std::size_t FrameCutter::read_count(std::string_view bytes, FrameTroubles& troubles) {
  const char c = bytes.front();
  const bool spaced = !held_.empty() && held_.back() == ' ';
  if (spaced && c == '<') {
    left_ = 0;
    for (const char digit : std::string_view(held_).substr(0, held_.size() - 1)) {
      left_ = left_ * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    held_.clear();
    state_ = State::kCounted;
    return 0;
  }
  if (spaced || (c != ' ' && !is_digit(c)) || (is_digit(c) && held_.size() == kMaxCountDigits)) {
    become_line(after_counted_, troubles);
    return 0;
  }
  held_ += c;
  return 1;
}

std::size_t FrameCutter::read_line(std::string_view bytes, Batch& out, FrameTroubles& troubles) {
  const std::size_t feed = bytes.find('\n');
  if (feed == std::string_view::npos) {
    hold(bytes);
    return bytes.size();
  }
  after_counted_ = false;
  end_message(bytes.substr(0, feed), out, troubles);
  return feed + 1;
}

std::size_t FrameCutter::read_counted(std::string_view bytes, Batch& out, FrameTroubles& troubles) {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  left_ -= size;
  if (left_ > 0) {
    hold(bytes.substr(0, size));
    return size;
  }
  after_counted_ = true;
  end_message(bytes.substr(0, size), out, troubles);
  return size;
}

void FrameCutter::become_line(bool out_of_step, FrameTroubles& troubles) {
  if (out_of_step) ++troubles.bad_frame;
  state_ = State::kLine;
}

void FrameCutter::hold(std::string_view piece) {
  const std::size_t fits = std::min(piece.size(), max_bytes_ - held_.size());
  held_ += piece.substr(0, fits);
  over_ = over_ || piece.find_first_not_of(kEnds, fits) != std::string_view::npos;
}

void FrameCutter::end_message(std::string_view last_piece, Batch& out, FrameTroubles& troubles) {
  if (held_.empty()) {
    if (append_message(last_piece, max_bytes_, out)) ++troubles.too_long;
  } else {
    hold(last_piece);
    append_line(over_ ? std::string_view(held_) : without_ends(held_), out);
    if (over_) ++troubles.too_long;
  }
  if (held_.capacity() > kMaxIdleBytes) held_ = {};
  held_.clear();
  over_ = false;
  state_ = State::kBegin;
}

}  // namespace tocsin::source::syslog
