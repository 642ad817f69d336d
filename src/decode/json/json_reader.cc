// How a value is walked: stage 1 of simdjson gives the place of every structural character and of the first byte of every
// scalar, outside strings, and has checked UTF-8, control bytes and that strings end. So a string token's inside is what
// lies between its quote and the quote before the next place (less spaces), and the grammar is left to us:
//
//   {"a": {"b" : 1}}     places: { "a : { "b : 1 } }      fields: a.b = 1
//
// A frame per open container holds its path and the member read last, by which the next key is guessed (json_paths.h).
#include "decode/json/json_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "decode/json/document_scanner.h"
#include "decode/json/event_notes.h"
#include "decode/json/json_paths.h"
#include "decode/json/json_text.h"
#include "decode/json/wrapper.h"
#include "decode/syslog_message.h"
#include "decode/windows_xml.h"

namespace tocsin::decode::json {
namespace {

using model::ValueType;

// Stage 1 needs 4 bytes a byte; a long record's memory is given back after it.
constexpr std::size_t kFirstCapacity = 4 * 1024;
constexpr std::size_t kUsualCapacity = 256 * 1024;
constexpr int kMaxNesting = 3;  // Lists in wrapping objects in lists.

enum class Fault : std::uint8_t { kNone, kSyntax, kDepth };

struct Frame {
  std::uint32_t path = 0;
  std::uint32_t previous = 0;
  bool array = false;
  bool element = false;  // Inside a list.
};

}  // namespace

class JsonReader::Impl {
 public:
  explicit Impl(const DecodeOptions& options) : max_record_bytes_(options.max_record_bytes) {}

  void begin(model::Batch& out) { paths_.bind(out); }
  void read(std::string_view bytes, BlockPosition& position, model::Batch& out, int nesting);
  static void bad(const char* cause, std::string detail, std::string_view bytes, BlockPosition& position, model::Batch& out);

 private:
  using Parser = std::unique_ptr<simdjson::internal::dom_parser_implementation>;
  simdjson::error_code tokenize(Parser& parser, std::string_view bytes);
  bool tokenize_repaired(std::string_view& bytes, BlockPosition& position, model::Batch& out);
  void values(std::string_view source, bool repaired, BlockPosition& position, model::Batch& out, int nesting);
  void scan(std::string_view bytes, BlockPosition& position, model::Batch& out, int nesting);
  bool is_wrapper(std::uint32_t place, model::Batch& out);
  void finish_event(std::string_view raw, BlockPosition& position, model::Batch& out);
  void expand_message(std::size_t number, model::Batch& out);
  void no_object(std::string_view rest, BlockPosition& position, model::Batch& out);

  Fault walk(std::uint32_t& place, std::size_t max_depth, model::Batch& out);
  Fault value(std::uint32_t& place, std::uint32_t path, bool element, model::Batch& out);
  bool key(Frame& frame, std::uint32_t& place, std::uint32_t& path, model::Batch& out);
  std::uint32_t envelope(std::uint32_t path, char value_begin);
  void add(std::uint32_t path, ValueType type, std::string_view value_text, bool element, model::Batch& out);

  [[nodiscard]] char at(std::uint32_t place) const { return text_[places_[place]]; }
  // The token at `place`, without the spaces behind it.
  [[nodiscard]] std::string_view token(std::uint32_t place) const {
    const char* const first = text_ + places_[place];
    const char* behind = text_ + places_[place + 1];
    while (is_space(behind[-1])) --behind;
    return {first, static_cast<std::size_t>(behind - first)};
  }

  std::size_t max_record_bytes_;
  Parser parser_, inner_parser_;  // For records, and for JSON in a message of a record that is still being read.
  Paths paths_;
  EventNotes notes_;
  std::size_t field_count_ = 0;  // Of this event, with those beyond the limit.

  const char* text_ = nullptr;  // What was tokenized,
  const std::uint32_t* places_ = nullptr;
  std::uint32_t place_count_ = 0;
};

JsonReader::JsonReader(const DecodeOptions& options) : impl_(std::make_unique<Impl>(options)) {}
JsonReader::~JsonReader() = default;

void JsonReader::begin(model::Batch& out) { impl_->begin(out); }

void JsonReader::read(std::string_view bytes, BlockPosition& position, model::Batch& out) {
  impl_->read(bytes, position, out, 0);
}

void JsonReader::bad(const char* cause, std::string detail, std::string_view bytes, BlockPosition& position,
                     model::Batch& out) {
  Impl::bad(cause, std::move(detail), bytes, position, out);
}

void JsonReader::Impl::bad(const char* cause, std::string detail, std::string_view bytes, BlockPosition& position,
                           model::Batch& out) {
  out.add_bad({.cause = cause,
               .detail = std::move(detail),
               .record = ++position.record,
               .offset = position.offset_of(bytes.data()),
               .sample = std::string{bytes.substr(0, model::kMaxSampleBytes)}});
  ++out.record_count;
}

simdjson::error_code JsonReader::Impl::tokenize(Parser& parser, std::string_view bytes) {
  const std::size_t capacity = parser == nullptr ? 0 : parser->capacity();
  if (bytes.size() > capacity || (capacity > kUsualCapacity && bytes.size() <= kUsualCapacity)) {
    parser.reset();
    const std::size_t wanted = std::bit_ceil(std::max(bytes.size(), kFirstCapacity));
    const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, 1, parser);
    if (error != simdjson::SUCCESS) return error;
  }
  const auto error =
      parser->stage1(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), simdjson::stage1_mode::regular);
  text_ = bytes.data();
  places_ = parser->structural_indexes.get();
  place_count_ = error == simdjson::SUCCESS ? parser->n_structural_indexes : 0;
  return error;
}

// A second try for a record with damaged bytes; says so under a cause of its own. `bytes` becomes the repaired copy.
bool JsonReader::Impl::tokenize_repaired(std::string_view& bytes, BlockPosition& position, model::Batch& out) {
  bool had_bad_utf8 = false;
  const std::string_view copy = repair(bytes, out.arena(), had_bad_utf8);
  if (tokenize(parser_, copy) != simdjson::SUCCESS) return false;
  const char* cause = had_bad_utf8 ? "invalid-utf8" : "json-control-character";
  const char* detail = had_bad_utf8 ? "Bytes that are not UTF-8 were replaced by U+FFFD; the event was kept."
                                    : "A control character stood unescaped in a string; the event was kept.";
  out.add_bad({.cause = cause,
               .detail = detail,
               .record = position.record + 1,
               .offset = position.offset_of(bytes.data()),
               .sample = std::string{bytes.substr(0, model::kMaxSampleBytes)}});
  bytes = copy;
  return true;
}

void JsonReader::Impl::read(std::string_view bytes, BlockPosition& position, model::Batch& out, int nesting) {
  if (bytes.size() > max_record_bytes_) {
    bad("record-too-long",
        "The record has " + std::to_string(bytes.size()) + " bytes; at most " + std::to_string(max_record_bytes_) +
            " are read.",
        bytes, position, out);
    return;
  }
  const auto error = tokenize(parser_, bytes);
  if (error == simdjson::SUCCESS) return values(bytes, false, position, out, nesting);
  if (error == simdjson::EMPTY) return;
  std::string_view repaired = bytes;
  if ((error == simdjson::UTF8_ERROR || error == simdjson::UNESCAPED_CHARS) && tokenize_repaired(repaired, position, out)) {
    return values(bytes, true, position, out, nesting);
  }
  bad("json-syntax", std::string{"No valid JSON: "} + simdjson::error_message(error), bytes, position, out);
}

// The values of tokenized text. `source` is where it stands in the block.
void JsonReader::Impl::values(std::string_view source, bool repaired, BlockPosition& position, model::Batch& out,
                              int nesting) {
  for (std::uint32_t place = 0; place < place_count_;) {
    const std::uint32_t begin = places_[place];
    const char c = text_[begin];
    if (c == ',') {
      ++place;
      continue;
    }
    const std::string_view rest = repaired ? source : source.substr(begin);
    if (c != '{' && c != '[') return no_object(rest, position, out);
    if (nesting < kMaxNesting && (c == '[' || is_wrapper(place, out))) {
      // A repaired copy is scanned as it is: its records then have no place in the block.
      return scan({text_ + begin, places_[place_count_] - begin}, position, out, nesting + 1);
    }
    if (c == '[') return bad("json-not-an-object", "A list stands where an object was expected.", rest, position, out);
    out.begin_event();
    notes_.clear();
    field_count_ = 0;
    const Fault fault = walk(place, model::kMaxDepth, out);
    if (fault != Fault::kNone) {
      out.abandon_event();
      paths_.end_event();
      if (fault == Fault::kDepth) {
        return bad("json-too-deep", "More than " + std::to_string(model::kMaxDepth) + " containers are nested.", rest,
                   position, out);
      }
      const std::size_t where = place < place_count_ ? places_[place] : places_[place_count_];
      return bad("json-syntax", "No valid JSON at byte " + std::to_string(where) + " of the record.", rest, position, out);
    }
    const std::string_view raw = repaired ? source : source.substr(begin, places_[place - 1] + 1 - begin);
    finish_event(raw, position, out);
  }
}

void JsonReader::Impl::no_object(std::string_view rest, BlockPosition& position, model::Batch& out) {
  const std::string_view word = token(0);
  const bool scalar = place_count_ == 1 && ((word.size() > 1 && word.front() == '"' && word.back() == '"') ||
                                            word == "true" || word == "false" || word == "null" || is_number(word));
  if (scalar) return bad("json-not-an-object", "A single value stands where an object was expected.", rest, position, out);
  bad("json-syntax", "An object was expected.", rest, position, out);
}

void JsonReader::Impl::scan(std::string_view bytes, BlockPosition& position, model::Batch& out, int nesting) {
  DocumentScanner scanner{max_record_bytes_};
  std::size_t at = 0;
  while (true) {
    const DocumentScanner::Item item = scanner.next(bytes, at, true);
    if (item.kind == DocumentScanner::Kind::kMore) return;
    read(bytes.substr(item.begin, item.end - item.begin), position, out, nesting);
  }
}

bool JsonReader::Impl::is_wrapper(std::uint32_t place, model::Batch& out) {
  if (place + 2 >= place_count_ || at(place + 1) != '"') return false;
  const std::string_view word = token(place + 1);
  if (word.size() < 2) return false;
  const std::uint32_t first = paths_.child(Paths::kRoot, 0, word.substr(1, word.size() - 2), out);
  if (first == Paths::kBadKey) return false;
  const Special special = paths_[first].special;
  if (special != Special::kMaybeWrapper && special != Special::kPreview && special != Special::kFields) return false;
  const std::uint32_t begin = places_[place];
  return peek_wrapper({text_ + begin, places_[place_count_] - begin}, true).kind == WrapperKind::kWrapper;
}

void JsonReader::Impl::add(std::uint32_t path, ValueType type, std::string_view value_text, bool element,
                           model::Batch& out) {
  if (field_count_ >= model::kMaxFieldsPerEvent) return out.add(model::kNoName, type, value_text, element);  // Only counted.
  const Path& known = paths_[path];
  const model::NameId name = known.name != model::kNoName ? known.name : out.intern(known.name_text);
  if (known.noted) notes_.note(known, type, value_text, element, out.open_fields().size());
  out.add(name, type, value_text, element);
  ++field_count_;
}

// A scalar, or an empty container; leaves `place` behind it.
Fault JsonReader::Impl::value(std::uint32_t& place, std::uint32_t path, bool element, model::Batch& out) {
  const std::string_view word = token(place);
  const char c = word[0];
  ++place;
  if (c == '"') {
    if (word.size() < 2 || word.back() != '"') return Fault::kSyntax;
    const auto inside = unescape(word.substr(1, word.size() - 2), out.arena());
    if (!inside) return Fault::kSyntax;
    add(path, ValueType::kText, *inside, element, out);
  } else if (c == '-' || (c >= '0' && c <= '9')) {
    if (!is_number(word)) return Fault::kSyntax;
    add(path, ValueType::kNumber, word, element, out);
  } else if (word == "true" || word == "false") {
    add(path, ValueType::kBool, word, element, out);
  } else if (word == "null") {
    add(path, ValueType::kNull, {}, element, out);
  } else {
    return Fault::kSyntax;
  }
  return Fault::kNone;
}

// The path whose members an object's members are: the event itself in an Elasticsearch hit, a Splunk export or an event of
// Splunk's collector.
std::uint32_t JsonReader::Impl::envelope(std::uint32_t path, char value_begin) {
  const Special special = paths_[path].special;
  if (special == Special::kPreview) notes_.saw_preview = true;
  if (special == Special::kSourcetype) notes_.saw_sourcetype = true;
  if (value_begin != '{') return path;
  if (special == Special::kSource || (special == Special::kResult && notes_.saw_preview)) return Paths::kRoot;
  if ((special == Special::kEvent || special == Special::kFields) && notes_.saw_sourcetype) return Paths::kRoot;
  return path;
}

// A member's key and colon; leaves `place` at its value.
bool JsonReader::Impl::key(Frame& frame, std::uint32_t& place, std::uint32_t& path, model::Batch& out) {
  if (place + 2 >= place_count_ || at(place) != '"' || at(place + 1) != ':') return false;
  const std::string_view word = token(place);
  if (word.size() < 2 || word.back() != '"') return false;
  place += 2;
  if (field_count_ >= model::kMaxFieldsPerEvent) {
    path = Paths::kSink;
    return true;
  }
  path = paths_.child(frame.path, frame.previous, word.substr(1, word.size() - 2), out);
  if (path == Paths::kBadKey) return false;
  frame.previous = path;
  if (paths_[path].special != Special::kNone) path = envelope(path, at(place));
  return true;
}

// An object whose '{' is at `place`; leaves `place` behind its '}', or where it went wrong.
Fault JsonReader::Impl::walk(std::uint32_t& place, std::size_t max_depth, model::Batch& out) {
  std::array<Frame, model::kMaxDepth> frames;
  std::size_t depth = 0;
  std::uint32_t path = Paths::kRoot;
  bool element = false;
  while (true) {
    if (place >= place_count_) return Fault::kSyntax;
    const char c = at(place);
    if (c == '{' || c == '[') {
      if (depth >= max_depth) return Fault::kDepth;
      const bool array = c == '[';
      if (place + 1 < place_count_ && at(place + 1) == (array ? ']' : '}')) {
        if (path != Paths::kRoot) add(path, ValueType::kNull, {}, element || array, out);
        place += 2;
      } else {
        Frame& frame = frames[depth++];
        frame = {.path = path, .previous = 0, .array = array, .element = element || array};
        ++place;
        element = frame.element;
        if (!array && !key(frame, place, path, out)) return Fault::kSyntax;
        continue;
      }
    } else if (const Fault fault = value(place, path, element, out); fault != Fault::kNone) {
      return fault;
    }
    // Behind a value: the next one, or the ends of containers.
    while (true) {
      if (depth == 0) return Fault::kNone;
      if (place >= place_count_) return Fault::kSyntax;
      Frame& frame = frames[depth - 1];
      const char end = at(place);
      if (end == ',') {
        ++place;
        path = frame.path;
        element = frame.element;
        if (!frame.array && !key(frame, place, path, out)) return Fault::kSyntax;
        break;
      }
      if (end != (frame.array ? ']' : '}')) return Fault::kSyntax;
      ++place;
      --depth;
    }
  }
}

// Windows event XML, CEF or LEEF inside a text, and where the text is the whole record (Splunk's _raw or event) a JSON
// object or whatever else syslog carries: its fields join those of the event.
void JsonReader::Impl::expand_message(std::size_t number, model::Batch& out) {
  const EventNotes::Message message = notes_.message(number);
  std::string_view inner = message.text;
  while (!inner.empty() && is_space(inner.front())) inner.remove_prefix(1);
  if (inner.starts_with("<Event ")) {
    core::Timestamp time;
    if (!decode_event_xml(inner, out, time)) return;
    notes_.payload = model::Payload::kXml;
    if (time.known()) notes_.xml_time = time;
    return;
  }
  if (!inner.starts_with('{')) {
    if (message.text_too) notes_.payload = add_message_payload({}, inner, out, notes_.payload_time);
    return;
  }
  if (!message.raw) return;
  const EventNotes notes = notes_;
  const std::size_t before = out.open_fields().size(), count = field_count_;
  const auto outer = std::tuple{text_, places_, place_count_};
  char* const copy = out.arena().allocate(inner.size() + kSlackBytes);
  std::memcpy(copy, inner.data(), inner.size());
  std::uint32_t place = 0;
  if (tokenize(inner_parser_, {copy, inner.size()}) == simdjson::SUCCESS &&
      walk(place, model::kMaxDepth - number - 1, out) == Fault::kNone && place == place_count_) {
    notes_.payload = model::Payload::kJson;
  } else {
    out.truncate_open(before);
    notes_ = notes;
    field_count_ = count;
  }
  std::tie(text_, places_, place_count_) = outer;
}

void JsonReader::Impl::finish_event(std::string_view raw, BlockPosition& position, model::Batch& out) {
  for (std::size_t i = 0; i < notes_.message_count(); ++i) expand_message(i, out);
  if (notes_.payload != model::Payload::kXml) notes_.add_flat_windows(out);
  model::EventSlot& slot = out.end_event();
  slot.record = ++position.record;
  slot.time = notes_.time();
  if (!slot.time.known()) slot.time = notes_.payload_time;
  slot.raw = raw;
  slot.format = model::Format::kJson;
  slot.payload = notes_.payload;
  ++out.record_count;
  paths_.end_event();
}

}  // namespace tocsin::decode::json
