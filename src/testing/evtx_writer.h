// Writes EVTX files for tests: whole valid ones from a list of events, or chunks token by token for odd and broken ones.
//
// Used by tests only. write_evtx() makes what Windows would: an outer template for <Event> and <System>, an inner one for
// each list of data names, stored once per chunk; checksums are right. EvtxChunkWriter is its lower layer.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::testing {

// A BinXML value: its type byte and its bytes as stored.
struct EvtxValue {
  std::uint8_t type = 0;
  std::string bytes;
};
std::string utf16le(std::string_view utf8);
EvtxValue evtx_null();
EvtxValue evtx_text(std::string_view utf8);                      // Type 0x01.
EvtxValue evtx_text_list(const std::vector<std::string>& utf8);  // Type 0x81.
EvtxValue evtx_number(std::uint8_t type, std::uint64_t value, std::size_t size_bytes);
EvtxValue evtx_filetime(std::uint64_t filetime);

struct EvtxEvent {
  std::string channel, provider, computer = "HOST";
  std::uint16_t event_id = 0;
  std::uint64_t record_id = 0;
  std::uint64_t filetime = 0;
  std::vector<std::pair<std::string, EvtxValue>> data;  // An empty name: <Data> without one.
};
std::string write_evtx(const std::vector<EvtxEvent>& events);

class EvtxChunkWriter {
 public:
  EvtxChunkWriter();

  // Records: begin, write BinXML, end (fills in both sizes). Returns the record's offset in the chunk.
  std::size_t begin_record(std::uint64_t id, std::uint64_t filetime);
  void end_record();

  // Tokens. A name is stored where it is first used in the chunk.
  void fragment_header();
  void open(std::string_view name, bool has_attributes = false);
  void attribute(std::string_view name);
  void start_closed();  // Ends the attributes: '>'.
  void close();         // </x>
  void close_empty();   // '/>'
  void text(std::string_view utf8);
  void cdata(std::string_view utf8);
  void char_ref(std::uint16_t unit);
  void entity_ref(std::string_view name);
  void processing_instruction(std::string_view target, std::string_view data);
  void substitution(std::uint16_t slot, std::uint8_t type, bool optional = true);
  void end();
  void leaf(std::string_view name, std::uint16_t slot, std::uint8_t type);  // <name>%slot</name>

  // An instance of the template called `key`, whose body is written by `body` where the chunk does not have it yet.
  void instance(const std::string& key, const std::function<void(EvtxChunkWriter&)>& body,
                const std::vector<EvtxValue>& values);
  // The same, with the value that instance() would write as bytes of type 0x21 at the present end of the chunk: values of
  // this kind must be written in place, for offsets are the chunk's. `nested` writes it; it is the last value.
  void instance_with_nested(const std::string& key, const std::function<void(EvtxChunkWriter&)>& body,
                            const std::vector<EvtxValue>& values, const std::function<void(EvtxChunkWriter&)>& nested);

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  std::string& bytes() { return bytes_; }  // To break things. The header is written by finish().
  void u8(std::uint8_t value) { bytes_ += static_cast<char>(value); }
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  [[nodiscard]] std::size_t template_offset(const std::string& key) const { return templates_.at(key); }

  // The whole chunk of 65,536 bytes with its header and checksums.
  [[nodiscard]] std::string finish();

 private:
  struct Element {
    std::size_t size_at = 0;
    std::size_t attributes_at = 0;  // 0: none.
  };
  void name(std::string_view name);
  void counted(std::string_view utf8);
  void patch(std::size_t at, std::uint32_t value);
  void finish_attributes();
  std::size_t begin_instance(const std::string& key, const std::function<void(EvtxChunkWriter&)>& body);

  std::string bytes_;
  std::map<std::string, std::size_t> names_, templates_;
  std::vector<Element> open_;
  bool in_template_ = false;
  std::size_t record_at_ = 0;
  std::uint64_t first_id_ = 0, last_id_ = 0;
  std::size_t record_count_ = 0;
};

std::uint32_t evtx_crc32(std::string_view bytes);  // Bit by bit.
// The file header block before `chunks`.
std::string evtx_file(const std::vector<std::string>& chunks);
// Recomputes both checksums of a chunk after its bytes were changed.
void fix_checksums(std::string& chunk);

}  // namespace tocsin::testing
