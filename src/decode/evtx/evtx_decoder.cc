// Windows event logs (EVTX, versions 3.1 and 3.2) to fields.
//
// The file: a 4,096-byte header block ("ElfFile\0"), then chunks of 65,536 bytes. A chunk stands for itself: a 512-byte
// header ("ElfChnk\0", checksums, where its free space begins), then records; all offsets in it count from its start.
// That is why a file can be cut between any two chunks, and why nothing is needed from the file header, which often lies
// (a log copied while in use claims fewer chunks than it has).
//
// A record: "**\0\0", u32 size, u64 id, u64 time written, BinXML, u32 size again. BinXML is XML as tokens, but nearly all
// records are a template instance: the XML with numbered holes is stored once per chunk, and each record brings only its
// values. So decoding is: find the compiled template, read the value array, write each value under its field's name.
//
//   template, in tokens                                     compiled (Program)
//   0F 01 01 00                      fragment header
//   41 .. <Event>, 41 .. <System>                           (a place: Event/System)
//   41 .. <Provider> 06 Name 05 "MyApp" 03                  Provider_Name    <- literal "MyApp"
//   01 .. <EventID> 02 0E 03 00 06 04                       EventID          <- slot 3
//   41 .. <TimeCreated> 06 SystemTime 0E 06 00 11 03        TimeCreated      <- slot 6, the event's time
//   04 01 .. <EventData> 02
//   41 .. <Data> 06 Name 05 "Threat Name" 02 0D 0C 00 01 04 ThreatName       <- slot 12
//   04 04 00
//
//   record: 0F 01 01 00 0C 01, id, offset of the template, count 13,
//           13 x (u16 size, u8 type, 0): ... 3: (2, 06 = u16) ... 6: (8, 11 = FILETIME) ... 12: (10, 01 = string),
//           then the values: ... 88 13 ... -> EventID = 5000; ... "T r o j a" -> ThreatName = Troja
//
// Real templates nest: slot 20 of the outer one (<Event>, <System>) holds a whole BinXML fragment with its own template
// for <EventData>. It is compiled for the place where it stands, so the same code names its fields.
//
// Files: chunk_walker (chunks and records), record_reader (instances, values, limits, the template cache), program (the
// template compiler), binxml (tokens), event_names (which field an element is), value and utf16 (text of values), crc32.
#include <algorithm>
#include <memory>
#include <string_view>

#include "decode/decoder.h"
#include "decode/evtx/chunk_walker.h"

namespace tocsin::decode {
namespace {

constexpr std::string_view kFileMagic{"ElfFile\0", 8};

class EvtxDecoder final : public Decoder {
 public:
  explicit EvtxDecoder(const DecodeOptions& options) : walker_(options.recover_deleted) {}

  [[nodiscard]] bool splittable() const override { return true; }

  [[nodiscard]] std::size_t cut(std::string_view buffer, bool last) override {
    if (last) return buffer.size();
    const std::size_t header = header_bytes(buffer);
    if (buffer.size() < header + evtx::kChunkBytes) return 0;
    return header + (buffer.size() - header) / evtx::kChunkBytes * evtx::kChunkBytes;
  }

  void decode(std::string_view block, model::Batch& out) override {
    walker_.begin_block(out);
    std::size_t at = std::min(header_bytes(block), block.size());
    while (at < block.size()) {
      const std::string_view chunk = block.substr(at, evtx::kChunkBytes);
      walker_.walk(chunk, at, out);
      at += chunk.size();
    }
  }

 private:
  static std::size_t header_bytes(std::string_view buffer) {
    return buffer.starts_with(kFileMagic) ? evtx::kFileHeaderBytes : 0;
  }

  evtx::ChunkWalker walker_;
};

}  // namespace

std::unique_ptr<Decoder> make_evtx_decoder(const DecodeOptions& options) { return std::make_unique<EvtxDecoder>(options); }

}  // namespace tocsin::decode
