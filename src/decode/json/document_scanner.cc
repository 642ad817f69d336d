// A torn record must not swallow its neighbours. Inside a value, an opening brace where JSON allows none (`{"a":1 {`,
// `{"a":1,\n{`) proves that the value before it is torn: it ends there and a new one begins. A line feed inside a string
// proves the same; the string is then taken to end at the line's end, and a '{' at the begin of a line starts anew.
//
//   {"a":1,"b":          <- torn: no value after the colon, then two values
//   {"c":3}              <- belongs to "b", as far as anyone can tell
//   {"d":4}              <- '{' after '}': a new value
#include "decode/json/document_scanner.h"

#include <algorithm>

#include "decode/json/json_text.h"
#include "decode/json/wrapper.h"

namespace tocsin::decode::json {
namespace {

constexpr std::size_t kNotYet = std::string_view::npos;

// evtx_dump writes "Record 17" on a line before each document.
bool is_record_line(std::string_view line) {
  if (!line.starts_with("Record ")) return false;
  line.remove_prefix(7);
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return !line.empty() && std::all_of(line.begin(), line.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Between documents: spaces, list commas, the record separator of RFC 7464, byte order marks.
bool is_between(char c) { return is_space(c) || c == ',' || c == '\x1E' || c == '\0'; }

}  // namespace

void DocumentScanner::begin_value() {
  scanned_ = 0;
  depth_ = 0;
  arrays_ = 0;
  previous_ = '\0';
  in_string_ = broken_ = deep_ = skipping_ = false;
}

// Moves behind the value whose begin is gone; false where the buffer ends first.
bool DocumentScanner::skip_rest(std::string_view buffer, std::size_t& position) {
  const std::size_t length = scan(buffer.substr(position));
  position += length == kNotYet ? scanned_ : length;
  scanned_ = 0;
  if (length != kNotYet) begin_value();
  return length != kNotYet;
}

DocumentScanner::Item DocumentScanner::next(std::string_view buffer, std::size_t& position, bool last) {
  const std::size_t begin = position;
  consumed_ -= begin;
  const Item item = find(buffer, position, last);
  consumed_ += position;
  return item;
}

DocumentScanner::Item DocumentScanner::find(std::string_view buffer, std::size_t& position, bool last) {
  if (skipping_ && !skip_rest(buffer, position)) return {};
  bool done = false;
  while (true) {
    if (where_ == Where::kTail) {
      if (!skip_rest(buffer, position)) return {};
      where_ = Where::kTop;
    }
    // A value begun earlier starts exactly here.
    if (scanned_ > 0) return element(buffer, position, last);
    while (position < buffer.size() && is_between(buffer[position])) ++position;
    if (position == buffer.size()) return {};
    const Item item = where_ == Where::kTop ? top(buffer, position, last, done) : in_array(buffer, position, last, done);
    if (done) return item;
  }
}

DocumentScanner::Item DocumentScanner::top(std::string_view buffer, std::size_t& position, bool last, bool& done) {
  const std::string_view rest = buffer.substr(position);
  if (rest.starts_with("\xEF\xBB\xBF")) {
    position += 3;
    return {};
  }
  if (rest[0] == '[') {
    where_ = Where::kArray;
    array_depth_ = 1;
    wrapper_depth_ = 0;
    ++position;
    return {};
  }
  done = true;
  if (rest[0] != '{') return garbage(buffer, position, last, done);
  const std::size_t here = consumed_ + position;
  if (here < plain_until_) return element(buffer, position, last);
  const WrapperPeek peek = peek_wrapper(rest, last);
  if (peek.kind == WrapperKind::kNeedMore) return {};
  if (peek.kind == WrapperKind::kPlain) {
    // Torn values can be much shorter than what was looked at: each byte is looked at once.
    plain_until_ = here + peek.seen_bytes;
    return element(buffer, position, last);
  }
  where_ = Where::kArray;
  array_depth_ = 1;
  wrapper_depth_ = peek.object_depth;
  ++wrapper_count_;
  position += peek.list_offset;
  done = false;
  return {};
}

DocumentScanner::Item DocumentScanner::in_array(std::string_view buffer, std::size_t& position, bool last, bool& done) {
  const char c = buffer[position];
  if (c == '[') {
    ++array_depth_;
    ++position;
    return {};
  }
  if (c == ']') {
    ++position;
    if (--array_depth_ > 0) return {};
    where_ = Where::kTop;
    if (wrapper_depth_ > 0) {
      where_ = Where::kTail;
      begin_value();
      depth_ = wrapper_depth_;
    }
    return {};
  }
  done = true;
  if (c != '}' && c != ':') return element(buffer, position, last);
  const std::size_t begin = position;
  while (position < buffer.size() && (buffer[position] == '}' || buffer[position] == ':')) ++position;
  if (position == buffer.size() && !last && position - begin <= max_element_bytes_) {
    position = begin;
    return {};
  }
  return {Kind::kGarbage, begin, position};
}

DocumentScanner::Item DocumentScanner::garbage(std::string_view buffer, std::size_t& position, bool last, bool& done) {
  const std::size_t begin = position;
  const std::size_t line_end = std::min(buffer.find('\n', begin), buffer.size());
  const bool too_long = line_end - begin > max_element_bytes_;
  if (line_end == buffer.size() && !last && !too_long) return {};
  position = line_end;
  done = !is_record_line(buffer.substr(begin, line_end - begin));
  return {Kind::kGarbage, begin, line_end};
}

DocumentScanner::Item DocumentScanner::element(std::string_view buffer, std::size_t& position, bool last) {
  const std::size_t begin = position;
  const std::string_view text = buffer.substr(begin);
  const std::size_t length = scan(text);
  if (length != kNotYet) {
    begin_value();
    position = begin + length;
    return {length > max_element_bytes_ ? Kind::kTooLong : Kind::kElement, begin, position};
  }
  const bool too_long = scanned_ > max_element_bytes_;
  if (!last && !too_long) return {};
  position = buffer.size();
  if (too_long) {
    position = begin + scanned_;  // A backslash at the end waits for the byte that it escapes.
    scanned_ = 0;
    skipping_ = true;
  } else {
    begin_value();
  }
  return {too_long ? Kind::kTooLong : Kind::kElement, begin, position};
}

std::size_t DocumentScanner::scan_scalar(std::string_view text) {
  while (scanned_ < text.size()) {
    if (in_string_) {
      if (!scan_string(text)) return kNotYet;
      continue;
    }
    const char c = text[scanned_];
    if (c == ',' || c == ']' || c == '}' || c == '\n' || ((c == '{' || c == '[') && scanned_ > 0)) return scanned_;
    in_string_ = c == '"';
    ++scanned_;
  }
  return kNotYet;
}

// Behind the end of the string it is in; false where the text ends first.
bool DocumentScanner::scan_string(std::string_view text) {
  while (true) {
    const char* stop = find_string_stop(text.data() + scanned_, text.data() + text.size());
    scanned_ = static_cast<std::size_t>(stop - text.data());
    if (scanned_ == text.size()) return false;
    if (*stop == '\\') {
      if (scanned_ + 1 == text.size()) return false;  // Looked at again with the byte that it escapes.
      scanned_ += text[scanned_ + 1] == '\n' ? 1 : 2;
      continue;
    }
    broken_ = broken_ || *stop == '\n';
    in_string_ = false;
    if (*stop == '"') ++scanned_;
    return true;
  }
}

// False where the value ended before this brace.
bool DocumentScanner::open(std::string_view text, char c) {
  if (c == '{' && depth_ > 0 && !deep_ && !skipping_ && where_ != Where::kTail) {
    const bool in_list = (arrays_ & 1) != 0;
    const bool allowed = in_list ? previous_ == '[' || previous_ == ',' : previous_ == ':';
    const bool line_begin = scanned_ > 0 && text[scanned_ - 1] == '\n';
    if (!allowed || (broken_ && line_begin)) return false;
  }
  ++depth_;
  deep_ = deep_ || depth_ > 64;
  arrays_ = arrays_ << 1 | static_cast<std::uint64_t>(c == '[');
  return true;
}

void DocumentScanner::close(char c) {
  if (!deep_ && ((arrays_ & 1) != 0) != (c == ']')) broken_ = true;
  --depth_;
  arrays_ >>= 1;
}

std::size_t DocumentScanner::scan(std::string_view text) {
  if (depth_ == 0 && !text.empty() && (scanned_ > 0 ? previous_ == 's' : text[0] != '{' && text[0] != '[')) {
    previous_ = 's';
    return scan_scalar(text);
  }
  while (scanned_ < text.size()) {
    if (in_string_) {
      if (!scan_string(text)) return kNotYet;
      previous_ = '"';
      continue;
    }
    const char c = text[scanned_];
    switch (c) {
      case ' ':
      case '\t':
      case '\r':
      case '\n': break;
      case '"': in_string_ = true; break;
      case '{':
      case '[':
        if (!open(text, c)) return scanned_;
        previous_ = c;
        break;
      case '}':
      case ']':
        close(c);
        previous_ = c;
        if (depth_ == 0) return ++scanned_;
        break;
      default: previous_ = c;
    }
    ++scanned_;
  }
  return kNotYet;
}

}  // namespace tocsin::decode::json
