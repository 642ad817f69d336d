// Lumberjack frames from a stream of bytes, as they come: windows and events, compressed or not.
//
// Holds one frame at most, and only as much of it as it was allowed to; a compressed frame of any size passes through
// in small steps. One thread. After an error the stream is lost: there is no way to find the next frame.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::source {

inline constexpr std::size_t kMaxEventBytes = 16u << 20;     // The longest record a decoder takes.
inline constexpr std::size_t kMaxDataFrameBytes = 1u << 20;  // A version 1 event is a line and a few names.
inline constexpr std::uint32_t kMaxDataPairs = 4'096;
inline constexpr std::uint32_t kMaxCompressedBytes = 64u << 20;
inline constexpr std::uint64_t kMaxExpandedBytes = 256u << 20;  // Of one compressed frame.
inline constexpr std::size_t kSmallFrameBytes = 64u << 10;      // Always allowed.

struct Frame {
  enum class Kind : std::uint8_t { kWindow, kEvent };
  Kind kind = Kind::kWindow;
  std::uint8_t version = 2;    // 1 or 2.
  std::uint32_t number = 0;    // Size of the window, or the event's sequence number.
  std::string_view json = {};  // One line, without its end; of version 1, an object of strings. Valid until the next call.
};

class FrameReader {
 public:
  FrameReader();
  ~FrameReader();
  void feed(std::string_view bytes);
  // Empty: feed more, or, where wanted_bytes() is above `allowed_bytes`, call again with so much allowed.
  // Errors: kInvalid (no frame, or a broken one), kLimit (too long).
  core::Result<std::optional<Frame>> next(std::size_t allowed_bytes = kSmallFrameBytes);
  // What the frame being read needs in memory; 0 between frames.
  [[nodiscard]] std::size_t wanted_bytes() const { return wanted_bytes_; }
  // True while a frame, or a compressed one around it, is not whole.
  [[nodiscard]] bool in_frame() const;

 private:
  struct Buffer {
    std::string bytes;
    std::size_t at = 0;
    [[nodiscard]] std::string_view view() const { return std::string_view(bytes).substr(at); }
    void append(std::string_view more);
  };
  struct Inflater;
  enum class Step : std::uint8_t { kFrame, kMore, kCompressed };

  core::Result<Step> parse(Buffer& buffer, Frame& frame);
  core::Result<Step> parse_json(Buffer& buffer, Frame& frame);
  core::Result<Step> parse_pairs(Buffer& buffer, Frame& frame);
  void write_pairs(std::string_view pairs, std::uint32_t count);
  Step want(std::size_t bytes);
  core::Result<bool> inflate_more();  // False: feed more.

  Buffer raw_, plain_;
  std::size_t taken_bytes_ = 0;  // Of the buffer of the frame last given out, dropped at the next call.
  bool inflating_ = false;
  std::uint32_t compressed_left_ = 0;
  std::uint64_t expanded_bytes_ = 0;
  std::unique_ptr<Inflater> inflater_;
  std::size_t wanted_bytes_ = 0;
  std::size_t pairs_at_ = 0;  // How far the frame of pairs being read has been looked at, and how many are left.
  std::uint32_t pairs_left_ = 0;
  std::string json_;
};

}  // namespace tocsin::source
