// Which windows of a connection are safe, and what to answer: the bookkeeping of acknowledgements, without any network.
//
// A window is handed on in pieces, numbered in order. Pieces may become safe in any order; acknowledgements go out in the
// order of the windows. One thread.
#pragma once
#include <cstdint>
#include <deque>
#include <string>

namespace tocsin::source {

class WindowBook {
 public:
  // A window of `size` events begins. What was open before counts as whole: its sender gave it up or sent less.
  void begin(std::uint8_t version, std::uint32_t size);
  // An event of the open window was taken in. REQUIRES: open().
  void add(std::uint32_t sequence);
  [[nodiscard]] bool open() const { return size_ > 0; }        // Events are expected.
  [[nodiscard]] bool full() const { return count_ == size_; }  // The event added last was the last of its window.
  [[nodiscard]] std::uint8_t version() const { return version_; }

  // What was added since the last piece is one; REQUIRES: something was. A full window ends with it.
  std::uint64_t piece();
  void safe(std::uint64_t piece);

  // Frames that acknowledge windows that became safe since the last call; empty: none.
  std::string take_acks();
  // A frame that tells a version 2 sender how far its oldest window is safe; empty where that is of no use.
  [[nodiscard]] std::string progress() const;
  [[nodiscard]] bool progressed() const { return safe_sequence_ > 0; }     // Some of the oldest window is safe.
  [[nodiscard]] std::size_t unsent_bytes() const { return acks_.size(); }  // That take_acks() would give.
  [[nodiscard]] std::size_t pieces_under_way() const { return pieces_.size(); }

 private:
  struct Piece {
    std::uint8_t version = 2;
    std::uint32_t sequence = 0;  // Of its last event.
    bool ends_window = false, safe = false;
  };

  std::uint8_t version_ = 2;
  std::uint32_t size_ = 0, count_ = 0, sequence_ = 0;
  bool has_pieces_ = false;          // The open window has some.
  std::deque<Piece> pieces_;         // From the first that is not safe.
  std::uint64_t first_piece_ = 0;    // Number of pieces_.front().
  std::uint32_t safe_sequence_ = 0;  // Of the oldest window that is not whole and safe; 0: none.
  std::uint8_t safe_version_ = 2;
  std::string acks_;
};

}  // namespace tocsin::source
