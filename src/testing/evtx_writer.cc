#include "testing/evtx_writer.h"

#include <cstring>
#include <functional>

namespace tocsin::testing {
namespace {

constexpr std::size_t kChunkBytes = 65'536;
constexpr std::size_t kHeaderBytes = 512;

template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xFF);
}

template <class T>
void put_at(std::string& out, std::size_t at, T value) {
  std::string bytes;
  put(bytes, value);
  out.replace(at, bytes.size(), bytes);
}

std::uint32_t read_u32(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void system_body(EvtxChunkWriter& w) {
  w.fragment_header();
  w.open("Event", true);
  w.attribute("xmlns");
  w.text("http://schemas.microsoft.com/win/2004/08/events/event");
  w.start_closed();
  w.open("System");
  w.start_closed();
  w.open("Provider", true);
  w.attribute("Name");
  w.substitution(0, 0x01);
  w.close_empty();
  w.leaf("EventID", 1, 0x06);
  w.leaf("Level", 2, 0x04);
  w.open("TimeCreated", true);
  w.attribute("SystemTime");
  w.substitution(3, 0x11);
  w.close_empty();
  w.leaf("EventRecordID", 4, 0x0A);
  w.open("Execution", true);
  w.attribute("ProcessID");
  w.substitution(5, 0x08);
  w.attribute("ThreadID");
  w.substitution(6, 0x08);
  w.close_empty();
  w.leaf("Channel", 7, 0x01);
  w.leaf("Computer", 8, 0x01);
  w.close();
  w.substitution(9, 0x21);
  w.close();
  w.end();
}

void data_body(EvtxChunkWriter& w, const EvtxEvent& event) {
  w.fragment_header();
  w.open("EventData");
  w.start_closed();
  std::uint16_t slot = 0;
  for (const auto& [name, value] : event.data) {
    w.open("Data", !name.empty());
    if (!name.empty()) {
      w.attribute("Name");
      w.text(name);
    }
    w.start_closed();
    w.substitution(slot++, value.type, false);
    w.close();
  }
  w.close();
  w.end();
}

void write_event(EvtxChunkWriter& w, const EvtxEvent& event) {
  std::string shape = "data";
  std::vector<EvtxValue> values;
  for (const auto& [name, value] : event.data) {
    shape += '|' + name + '/' + std::to_string(value.type);
    values.push_back(value);
  }
  w.fragment_header();
  w.instance_with_nested("system", system_body,
                         {evtx_text(event.provider), evtx_number(0x06, event.event_id, 2), evtx_number(0x04, 4, 1),
                          evtx_filetime(event.filetime), evtx_number(0x0A, event.record_id, 8), evtx_number(0x08, 4, 4),
                          evtx_number(0x08, 8, 4), evtx_text(event.channel), evtx_text(event.computer)},
                         [&](EvtxChunkWriter& inner) {
                           inner.fragment_header();
                           inner.instance(shape, [&](EvtxChunkWriter& body) { data_body(body, event); }, values);
                           inner.end();
                         });
  w.end();
}

}  // namespace

std::string utf16le(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < utf8.size(); ++k)
      code = (code << 6) | (static_cast<unsigned char>(utf8[i + k]) & 0x3F);
    if (code >= 0x10000) {
      put(out, static_cast<std::uint16_t>(0xD800 + ((code - 0x10000) >> 10)));
      code = 0xDC00 + ((code - 0x10000) & 0x3FF);
    }
    put(out, static_cast<std::uint16_t>(code));
    i += length;
  }
  return out;
}

EvtxValue evtx_null() { return {0x00, ""}; }
EvtxValue evtx_text(std::string_view utf8) { return {0x01, utf16le(utf8)}; }
EvtxValue evtx_text_list(const std::vector<std::string>& utf8) {
  EvtxValue out{0x81, ""};
  for (const std::string& text : utf8) out.bytes += utf16le(text) + std::string(2, '\0');
  return out;
}
EvtxValue evtx_number(std::uint8_t type, std::uint64_t value, std::size_t size_bytes) {
  EvtxValue out{type, ""};
  put(out.bytes, value);
  out.bytes.resize(size_bytes);
  return out;
}
EvtxValue evtx_filetime(std::uint64_t filetime) { return evtx_number(0x11, filetime, 8); }

std::string write_evtx(const std::vector<EvtxEvent>& events) {
  constexpr std::size_t kRoom = 8'192;  // Kept free, so that one more event with its templates fits.
  std::vector<std::string> chunks;
  EvtxChunkWriter writer;
  for (const EvtxEvent& event : events) {
    std::size_t needed = kRoom;
    for (const auto& [name, value] : event.data) needed += value.bytes.size() + name.size() * 2 + 64;
    if (writer.size() + needed > kChunkBytes && writer.size() > kHeaderBytes) {
      chunks.push_back(writer.finish());
      writer = EvtxChunkWriter();
    }
    writer.begin_record(event.record_id, event.filetime);
    write_event(writer, event);
    writer.end_record();
  }
  chunks.push_back(writer.finish());
  return evtx_file(chunks);
}

EvtxChunkWriter::EvtxChunkWriter() : bytes_(kHeaderBytes, '\0') {}

void EvtxChunkWriter::u16(std::uint16_t value) { put(bytes_, value); }
void EvtxChunkWriter::u32(std::uint32_t value) { put(bytes_, value); }
void EvtxChunkWriter::u64(std::uint64_t value) { put(bytes_, value); }
void EvtxChunkWriter::patch(std::size_t at, std::uint32_t value) { put_at(bytes_, at, value); }

std::size_t EvtxChunkWriter::begin_record(std::uint64_t id, std::uint64_t filetime) {
  record_at_ = bytes_.size();
  bytes_ += std::string_view("**\0\0", 4);
  u32(0);
  u64(id);
  u64(filetime);
  if (record_count_++ == 0) first_id_ = id;
  last_id_ = id;
  return record_at_;
}

void EvtxChunkWriter::end_record() {
  while ((bytes_.size() + 4 - record_at_) % 8 != 0) u8(0);
  const auto size = static_cast<std::uint32_t>(bytes_.size() + 4 - record_at_);
  u32(size);
  patch(record_at_ + 4, size);
}

void EvtxChunkWriter::name(std::string_view name) {
  const auto known = names_.find(std::string(name));
  if (known != names_.end()) return u32(static_cast<std::uint32_t>(known->second));
  const std::size_t at = bytes_.size() + 4;
  u32(static_cast<std::uint32_t>(at));
  names_.emplace(name, at);
  const std::string units = utf16le(name);
  std::uint32_t hash = 0;
  for (std::size_t i = 0; i + 1 < units.size(); i += 2) {
    hash = hash * 65'599 + static_cast<unsigned char>(units[i]) + (static_cast<unsigned char>(units[i + 1]) << 8U);
  }
  u32(0);
  u16(static_cast<std::uint16_t>(hash));
  u16(static_cast<std::uint16_t>(units.size() / 2));
  bytes_ += units;
  u16(0);
}

void EvtxChunkWriter::counted(std::string_view utf8) {
  const std::string units = utf16le(utf8);
  u16(static_cast<std::uint16_t>(units.size() / 2));
  bytes_ += units;
}

void EvtxChunkWriter::fragment_header() { bytes_ += std::string_view("\x0F\x01\x01\x00", 4); }

void EvtxChunkWriter::open(std::string_view element, bool has_attributes) {
  u8(has_attributes ? 0x41 : 0x01);
  if (in_template_) u16(0xFFFF);
  Element opened{bytes_.size(), 0};
  u32(0);
  name(element);
  if (has_attributes) {
    opened.attributes_at = bytes_.size();
    u32(0);
  }
  open_.push_back(opened);
}

void EvtxChunkWriter::attribute(std::string_view attribute_name) {
  u8(0x06);
  name(attribute_name);
}

void EvtxChunkWriter::finish_attributes() {
  const std::size_t at = open_.back().attributes_at;
  if (at != 0) patch(at, static_cast<std::uint32_t>(bytes_.size() - at - 4));
}

void EvtxChunkWriter::start_closed() {
  finish_attributes();
  u8(0x02);
}

void EvtxChunkWriter::close() {
  u8(0x04);
  patch(open_.back().size_at, static_cast<std::uint32_t>(bytes_.size() - open_.back().size_at - 4));
  open_.pop_back();
}

void EvtxChunkWriter::close_empty() {
  finish_attributes();
  u8(0x03);
  patch(open_.back().size_at, static_cast<std::uint32_t>(bytes_.size() - open_.back().size_at - 4));
  open_.pop_back();
}

void EvtxChunkWriter::text(std::string_view utf8) {
  u8(0x05);
  u8(0x01);
  counted(utf8);
}

void EvtxChunkWriter::cdata(std::string_view utf8) {
  u8(0x07);
  counted(utf8);
}

void EvtxChunkWriter::char_ref(std::uint16_t unit) {
  u8(0x08);
  u16(unit);
}

void EvtxChunkWriter::entity_ref(std::string_view entity) {
  u8(0x09);
  name(entity);
}

void EvtxChunkWriter::processing_instruction(std::string_view target, std::string_view data) {
  u8(0x0A);
  name(target);
  u8(0x0B);
  counted(data);
}

void EvtxChunkWriter::substitution(std::uint16_t slot, std::uint8_t type, bool optional) {
  u8(optional ? 0x0E : 0x0D);
  u16(slot);
  u8(type);
}

void EvtxChunkWriter::end() { u8(0x00); }

void EvtxChunkWriter::leaf(std::string_view element, std::uint16_t slot, std::uint8_t type) {
  open(element);
  start_closed();
  substitution(slot, type);
  close();
}

// Writes the instance up to the value count; the template's id is the start of its GUID.
std::size_t EvtxChunkWriter::begin_instance(const std::string& key, const std::function<void(EvtxChunkWriter&)>& body) {
  const std::uint64_t hash = std::hash<std::string>{}(key);
  u8(0x0C);
  u8(0x01);
  u32(static_cast<std::uint32_t>(hash));
  const auto known = templates_.find(key);
  const std::size_t at = known != templates_.end() ? known->second : bytes_.size() + 4;
  u32(static_cast<std::uint32_t>(at));
  if (known == templates_.end()) {
    templates_.emplace(key, at);
    u32(0);
    u64(hash);
    u64(~hash);
    const std::size_t size_at = bytes_.size();
    u32(0);
    const bool outer = in_template_;
    const std::vector<Element> outer_open = std::move(open_);
    open_.clear();
    in_template_ = true;
    body(*this);
    in_template_ = outer;
    open_ = outer_open;
    patch(size_at, static_cast<std::uint32_t>(bytes_.size() - size_at - 4));
  }
  return bytes_.size();
}

void EvtxChunkWriter::instance(const std::string& key, const std::function<void(EvtxChunkWriter&)>& body,
                               const std::vector<EvtxValue>& values) {
  begin_instance(key, body);
  u32(static_cast<std::uint32_t>(values.size()));
  for (const EvtxValue& value : values) {
    u16(static_cast<std::uint16_t>(value.bytes.size()));
    u8(value.type);
    u8(0);
  }
  for (const EvtxValue& value : values) bytes_ += value.bytes;
}

void EvtxChunkWriter::instance_with_nested(const std::string& key, const std::function<void(EvtxChunkWriter&)>& body,
                                           const std::vector<EvtxValue>& values,
                                           const std::function<void(EvtxChunkWriter&)>& nested) {
  std::vector<EvtxValue> all = values;
  all.push_back({0x21, ""});
  instance(key, body, all);
  const std::size_t start = bytes_.size();
  std::size_t before = 4;
  for (const EvtxValue& value : values) before += value.bytes.size();
  const std::size_t descriptor = start - before;  // The last one's: it precedes all values.
  nested(*this);
  put_at(bytes_, descriptor, static_cast<std::uint16_t>(bytes_.size() - start));
}

std::string EvtxChunkWriter::finish() {
  std::string chunk = bytes_;
  const std::size_t used = chunk.size();
  chunk.resize(kChunkBytes);
  chunk.replace(0, 8, std::string_view("ElfChnk\0", 8));
  put_at(chunk, 8, std::uint64_t{1});
  put_at(chunk, 16, static_cast<std::uint64_t>(record_count_));
  put_at(chunk, 24, first_id_);
  put_at(chunk, 32, last_id_);
  put_at(chunk, 40, std::uint32_t{128});
  put_at(chunk, 44, static_cast<std::uint32_t>(record_at_));
  put_at(chunk, 48, static_cast<std::uint32_t>(used));
  fix_checksums(chunk);
  return chunk;
}

void fix_checksums(std::string& chunk) {
  const std::size_t free_at = read_u32(chunk, 48);
  put_at(chunk, 52, evtx_crc32(std::string_view(chunk).substr(kHeaderBytes, free_at - kHeaderBytes)));
  put_at(chunk, 124, evtx_crc32(chunk.substr(0, 120) + chunk.substr(128, kHeaderBytes - 128)));
}

std::uint32_t evtx_crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFF'FFFF;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB8'8320U : 0U);
  }
  return ~crc;
}

std::string evtx_file(const std::vector<std::string>& chunks) {
  std::string out(4'096, '\0');
  out.replace(0, 8, std::string_view("ElfFile\0", 8));
  put_at(out, 16, static_cast<std::uint64_t>(chunks.empty() ? 0 : chunks.size() - 1));
  put_at(out, 24, std::uint64_t{1});
  put_at(out, 32, std::uint32_t{128});
  put_at(out, 36, std::uint16_t{1});
  put_at(out, 38, std::uint16_t{3});
  put_at(out, 40, std::uint16_t{4'096});
  put_at(out, 42, static_cast<std::uint16_t>(chunks.size()));
  put_at(out, 124, evtx_crc32(std::string_view(out).substr(0, 120)));
  for (const std::string& chunk : chunks) out += chunk;
  return out;
}

}  // namespace tocsin::testing
