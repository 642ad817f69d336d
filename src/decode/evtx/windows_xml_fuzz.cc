// Fuzzes the Windows event XML decoder: the stream in blocks as cut() says, fed in pieces of the size of the first byte,
// and the whole as XML inside another message.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/windows_xml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece_bytes = 16 + std::size_t{data[0]} * 4;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  tocsin::decode::DecodeOptions options;
  options.max_record_bytes = 4'096;
  const auto decoder = tocsin::decode::make_windows_xml_decoder(options);
  tocsin::model::NameTable names;
  tocsin::model::Batch batch(names);
  std::vector<std::unique_ptr<std::string>> kept;
  const auto decode = [&](std::string_view block) {
    kept.push_back(std::make_unique<std::string>(block));
    kept.back()->append(tocsin::decode::kPaddingBytes, '\0');
    decoder->decode(std::string_view(*kept.back()).substr(0, block.size()), batch);
  };
  std::string buffer;
  for (std::size_t at = 0; at < all.size(); at += piece_bytes) {
    buffer += all.substr(at, piece_bytes);
    const std::size_t cut = decoder->cut(buffer, false);
    if (cut > buffer.size()) __builtin_trap();
    if (cut == 0) continue;
    decode(std::string_view(buffer).substr(0, cut));
    buffer.erase(0, cut);
  }
  decode(buffer);
  decoder->finish(batch);
  tocsin::core::Timestamp time;
  batch.begin_event();
  if (tocsin::decode::decode_event_xml(all, batch, time))
    batch.end_event();
  else
    batch.abandon_event();
  std::size_t sum = 0;
  for (const auto& field : batch.fields()) {
    for (const char c : field.text) sum += static_cast<unsigned char>(c);
  }
  [[maybe_unused]] volatile std::size_t keep = sum;
  return 0;
}
