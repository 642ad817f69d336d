#include "source/tail/mark.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace tocsin::source::tail {
namespace {

// FNV-1a: it tells files apart; who may write a log needs no collision to spoil it.
std::uint64_t hash(std::string_view bytes) {
  std::uint64_t value = 14'695'981'039'346'656'037u;
  for (const char c : bytes) value = (value ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  return value;
}

bool take_number(std::string_view& text, std::uint64_t& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_char(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

void Mark::advance(std::string_view bytes) {
  if (head.size() < kHeadMarkBytes) head.append(bytes.substr(0, kHeadMarkBytes - head.size()));
  if (bytes.size() >= kTailMarkBytes) {
    tail.assign(bytes.substr(bytes.size() - kTailMarkBytes));
  } else {
    tail.append(bytes);
    if (tail.size() > kTailMarkBytes) tail.erase(0, tail.size() - kTailMarkBytes);
  }
  offset += bytes.size();
}

std::string to_text(const Mark& mark, std::string_view path) {
  char text[80];
  const int size = std::snprintf(text, sizeof text, "%llu%s %016llx.%016llx ", static_cast<unsigned long long>(mark.offset),
                                 mark.skipping ? "+" : "", static_cast<unsigned long long>(hash(mark.head)),
                                 static_cast<unsigned long long>(hash(mark.tail)));
  return std::string(text, static_cast<std::size_t>(size)).append(path);
}

std::optional<StoredMark> parse_mark(std::string_view text) {
  StoredMark mark;
  if (!take_number(text, mark.offset, 10)) return std::nullopt;
  mark.skipping = take_char(text, '+');
  if (!take_char(text, ' ') || !take_number(text, mark.head_hash, 16) || !take_char(text, '.') ||
      !take_number(text, mark.tail_hash, 16) || !take_char(text, ' ')) {
    return std::nullopt;
  }
  mark.path = text;
  return mark;
}

std::string read_at(int descriptor, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(descriptor, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

std::optional<Mark> mark_at(int descriptor, std::uint64_t offset) {
  if (offset > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  Mark mark;
  mark.offset = offset;
  const std::size_t head = std::min<std::uint64_t>(offset, kHeadMarkBytes);
  const std::size_t tail = std::min<std::uint64_t>(offset, kTailMarkBytes);
  mark.head = read_at(descriptor, 0, head);
  mark.tail = read_at(descriptor, offset - tail, tail);
  if (mark.head.size() != head || mark.tail.size() != tail) return std::nullopt;
  return mark;
}

std::optional<Mark> load_mark(int descriptor, const StoredMark& stored) {
  auto mark = mark_at(descriptor, stored.offset);
  if (!mark || hash(mark->head) != stored.head_hash || hash(mark->tail) != stored.tail_hash) return std::nullopt;
  mark->skipping = stored.skipping;
  return mark;
}

bool holds(int descriptor, const Mark& mark) {
  const auto now = mark_at(descriptor, mark.offset);
  return now && now->head == mark.head && now->tail == mark.tail;
}

}  // namespace tocsin::source::tail
