// Cuts a connection's bytes at syslog messages, in both framings of RFC 6587, and makes each message one line.
//
// One cutter per connection, one thread. It holds at most one message, of at most `max_message_bytes`. However the bytes are
// split, the lines are the same. Nothing fails: what is out of step is kept as a line and counted.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::source::syslog {

// Messages on their way to a delivery: lines, each ended by '\n'.
struct Batch {
  std::string bytes;
  std::uint64_t message_count = 0;
};

// See syslog.h for what the causes mean.
struct FrameTroubles {
  std::uint64_t too_long = 0, bad_frame = 0, cut_off = 0;
  [[nodiscard]] bool any() const { return too_long + bad_frame + cut_off != 0; }
};

// Appends one message: without line ends and NULs at its end, cut at `max_bytes`, line feeds inside as "#012". An empty one
// adds nothing. True: it was cut.
bool append_message(std::string_view message, std::size_t max_bytes, Batch& out);

class FrameCutter {
 public:
  explicit FrameCutter(std::size_t max_message_bytes) : max_bytes_(max_message_bytes) {}
  // Appends the messages that end in `bytes`. What is appended is bounded by 4 * (max_message_bytes + bytes).
  void feed(std::string_view bytes, Batch& out, FrameTroubles& troubles);
  // The stream has ended: what is held becomes the last message. The cutter begins anew.
  void finish(Batch& out, FrameTroubles& troubles);

 private:
  enum class State : std::uint8_t { kBegin, kCount, kLine, kCounted };
  std::size_t begin(std::string_view bytes, FrameTroubles& troubles);
  std::size_t read_count(std::string_view bytes, FrameTroubles& troubles);
  std::size_t read_line(std::string_view bytes, Batch& out, FrameTroubles& troubles);
  std::size_t read_counted(std::string_view bytes, Batch& out, FrameTroubles& troubles);
  void become_line(bool out_of_step, FrameTroubles& troubles);
  void hold(std::string_view piece);
  void end_message(std::string_view last_piece, Batch& out, FrameTroubles& troubles);

  const std::size_t max_bytes_;
  State state_ = State::kBegin;
  bool after_counted_ = false;  // The frame before this one was counted, so this one should be as well.
  bool over_ = false;           // More than max_bytes_ came, line ends and NULs at the end aside.
  std::string held_;            // The begin of the message, or the digits of its count.
  std::uint64_t left_ = 0;      // Bytes of the counted message still to come.
};

}  // namespace tocsin::source::syslog
