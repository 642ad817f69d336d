// A frame is a version byte ('1' or '2'), a type byte and, big-endian:
//
//   W <u32 size>                        the sender will send so many events and then wait for an acknowledgement
//   J <u32 sequence> <u32 n> <n bytes>  an event, JSON
//   D <u32 sequence> <u32 pairs> { <u32 n> <n bytes name> <u32 n> <n bytes value> }   an event, names and values
//   C <u32 n> <n bytes>                 zlib data which expands to whole frames, no C among them
//
// Two buffers: raw_ as fed, and plain_, which is filled from a C frame in steps only while the frame at its front is not
// whole. So "2W 0 0 0 1  2C 0 0 0 40 <zlib of 2J 0 0 0 1 0 0 0 2 {}>" gives a window of 1 and then the event "{}".
#include "source/lumberjack/frame_reader.h"

#include <zlib.h>

#include <algorithm>

#include "core/json_writer.h"

namespace tocsin::source {
namespace {

constexpr std::size_t kHeadBytes = 6;
constexpr std::size_t kEventHeadBytes = 10;
constexpr std::size_t kStepBytes = 32u << 10;

std::uint32_t u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}
core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }
core::Error too_long(const char* what, std::uint64_t size, std::uint64_t most) {
  return {core::ErrorCode::kLimit,
          std::string(what) + " of " + std::to_string(size) + " bytes is longer than " + std::to_string(most)};
}

}  // namespace

struct FrameReader::Inflater {
  z_stream stream{};
  bool made = false;
  bool ended = false, broken = false;
  bool begin() {
    ended = broken = false;
    made = made ? inflateReset(&stream) == Z_OK : inflateInit(&stream) == Z_OK;
    return made;
  }
  ~Inflater() {
    if (made) inflateEnd(&stream);
  }
};

FrameReader::FrameReader() = default;
FrameReader::~FrameReader() = default;

void FrameReader::Buffer::append(std::string_view more) {
  if (at > 0 && (at == bytes.size() || at >= kSmallFrameBytes)) {
    bytes.erase(0, at);
    at = 0;
  }
  if (bytes.empty() && bytes.capacity() > 4 * kSmallFrameBytes) std::string().swap(bytes);
  bytes.append(more);
}

void FrameReader::feed(std::string_view bytes) {
  (inflating_ ? plain_ : raw_).at += taken_bytes_;
  taken_bytes_ = 0;
  raw_.append(bytes);
}

bool FrameReader::in_frame() const { return inflating_ || raw_.bytes.size() > raw_.at + taken_bytes_ || wanted_bytes_ > 0; }

core::Result<std::optional<Frame>> FrameReader::next(std::size_t allowed_bytes) {
  while (true) {
    Buffer& buffer = inflating_ ? plain_ : raw_;
    buffer.at += taken_bytes_;
    taken_bytes_ = 0;
    Frame frame;
    const Step step = TOCSIN_TRY(parse(buffer, frame));
    if (step == Step::kFrame) {
      wanted_bytes_ = 0;
      pairs_at_ = 0;
      return std::optional<Frame>(frame);
    }
    if (step == Step::kCompressed) continue;
    if (!inflating_ || wanted_bytes_ > std::max(allowed_bytes, kSmallFrameBytes)) return std::optional<Frame>();
    const bool more = TOCSIN_TRY(inflate_more());
    if (!more) return std::optional<Frame>();
  }
}

FrameReader::Step FrameReader::want(std::size_t bytes) {
  wanted_bytes_ = bytes;
  return Step::kMore;
}

core::Result<FrameReader::Step> FrameReader::parse(Buffer& buffer, Frame& frame) {
  const std::string_view view = buffer.view();
  if (view.empty()) return want(0);
  if (view[0] != '1' && view[0] != '2') return invalid("a Lumberjack frame begins with its version, '1' or '2'");
  if (view.size() < kHeadBytes) return want(kHeadBytes);
  frame.version = static_cast<std::uint8_t>(view[0] - '0');
  frame.number = u32(view, 2);
  switch (view[1]) {
    case 'W':
      frame.kind = Frame::Kind::kWindow;
      taken_bytes_ = kHeadBytes;
      return Step::kFrame;
    case 'J': frame.kind = Frame::Kind::kEvent; return parse_json(buffer, frame);
    case 'D': frame.kind = Frame::Kind::kEvent; return parse_pairs(buffer, frame);
    case 'C':
      if (inflating_) return invalid("a compressed frame inside a compressed frame");
      if (frame.number > kMaxCompressedBytes) return too_long("a compressed frame", frame.number, kMaxCompressedBytes);
      if (!inflater_) inflater_ = std::make_unique<Inflater>();
      if (!inflater_->begin()) return core::Error{core::ErrorCode::kIo, "zlib has no memory"};
      buffer.at += kHeadBytes;
      inflating_ = true;
      compressed_left_ = frame.number;
      expanded_bytes_ = 0;
      return Step::kCompressed;
    default: return invalid("a Lumberjack frame of type " + std::to_string(static_cast<unsigned char>(view[1])));
  }
}

core::Result<FrameReader::Step> FrameReader::parse_json(Buffer& buffer, Frame& frame) {
  const std::string_view view = buffer.view();
  if (view.size() < kEventHeadBytes) return want(kEventHeadBytes);
  const std::uint32_t size = u32(view, 6);
  if (size > kMaxEventBytes) return too_long("an event", size, kMaxEventBytes);
  if (view.size() < kEventHeadBytes + size) return want(kEventHeadBytes + size);
  frame.json = view.substr(kEventHeadBytes, size);
  taken_bytes_ = kEventHeadBytes + size;
  if (frame.json.find_first_of("\r\n") != std::string_view::npos) {
    // In JSON an end of line is white space between tokens, nothing else.
    json_.assign(frame.json);
    std::ranges::replace(json_, '\n', ' ');
    std::ranges::replace(json_, '\r', ' ');
    frame.json = json_;
  }
  return Step::kFrame;
}

core::Result<FrameReader::Step> FrameReader::parse_pairs(Buffer& buffer, Frame& frame) {
  const std::string_view view = buffer.view();
  if (view.size() < kEventHeadBytes) return want(kEventHeadBytes);
  const std::uint32_t count = u32(view, 6);
  if (count > kMaxDataPairs) return too_long("an event in pairs", count, kMaxDataPairs);
  if (pairs_at_ == 0) {
    pairs_at_ = kEventHeadBytes;
    pairs_left_ = 2 * count;
  }
  while (pairs_left_ > 0) {
    const std::size_t end = pairs_at_ + 4;
    std::size_t whole = end;
    if (view.size() >= end) whole += u32(view, pairs_at_);
    if (whole > kMaxDataFrameBytes) return too_long("an event in pairs", whole, kMaxDataFrameBytes);
    if (view.size() < whole) return want(whole > kSmallFrameBytes ? kMaxDataFrameBytes : whole);
    pairs_at_ = whole;
    --pairs_left_;
  }
  write_pairs(view.substr(kEventHeadBytes, pairs_at_ - kEventHeadBytes), count);
  frame.json = json_;
  taken_bytes_ = pairs_at_;
  return Step::kFrame;
}

void FrameReader::write_pairs(std::string_view pairs, std::uint32_t count) {
  const auto take = [&pairs] {
    const std::size_t size = u32(pairs, 0);
    const std::string_view text = pairs.substr(4, size);
    pairs.remove_prefix(4 + size);
    return text;
  };
  json_.clear();
  core::JsonWriter json(json_);
  json.begin_object();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string_view name = take();
    const std::string_view value = take();
    json.member(name, value);
  }
  json.end_object();
}

core::Result<bool> FrameReader::inflate_more() {
  if (inflater_->ended && compressed_left_ == 0) {
    if (!plain_.view().empty()) return invalid("a compressed frame ends inside a frame");
    plain_.append({});
    inflating_ = false;
    return true;
  }
  // What came before the break is given out first, however the bytes were fed.
  if (inflater_->broken) return invalid("a compressed frame is not zlib data");
  if (inflater_->ended) return invalid("a compressed frame goes on behind the end of its zlib data");
  const std::string_view input = raw_.view().substr(0, std::min<std::size_t>(compressed_left_, kStepBytes));
  char out[kStepBytes];
  z_stream& z = inflater_->stream;
  z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
  z.avail_in = static_cast<uInt>(input.size());
  z.next_out = reinterpret_cast<Bytef*>(out);
  z.avail_out = sizeof out;
  const int code = inflate(&z, Z_NO_FLUSH);
  const std::size_t used = input.size() - z.avail_in;
  const std::size_t made = sizeof out - z.avail_out;
  inflater_->broken = code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR;
  inflater_->ended = code == Z_STREAM_END;
  raw_.at += used;
  compressed_left_ -= static_cast<std::uint32_t>(used);
  expanded_bytes_ += made;
  if (expanded_bytes_ > kMaxExpandedBytes) return too_long("an expanded frame", expanded_bytes_, kMaxExpandedBytes);
  plain_.append({out, made});
  if (made > 0 || used > 0 || inflater_->ended || inflater_->broken) return true;
  if (compressed_left_ == 0) return invalid("the zlib data of a compressed frame is cut off");
  return false;
}

}  // namespace tocsin::source
