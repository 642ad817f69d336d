// What the EVTX tests share: a decoder with its batch.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "model/event.h"

namespace tocsin::decode {

// A decoder with its table and batch; keeps the padded input alive.
struct Decoded {
  model::NameTable names;
  model::Batch batch{names};
  std::unique_ptr<Decoder> decoder;
  std::vector<std::unique_ptr<std::string>> inputs;

  explicit Decoded(const DecodeOptions& options = {}) : decoder(make_evtx_decoder(options)) {}
  void add(const std::string& block) {
    inputs.push_back(std::make_unique<std::string>(block));
    inputs.back()->append(kPaddingBytes, '\xAA');
    decoder->decode(std::string_view(*inputs.back()).substr(0, block.size()), batch);
  }
  std::string text(std::size_t event, std::string_view name) const { return std::string(batch.event(event).text(name)); }
  bool has(std::size_t event, std::string_view name) const { return batch.event(event).find(name) != nullptr; }
  std::vector<std::string> causes() const {
    std::vector<std::string> out;
    for (const auto& bad : batch.bad()) out.push_back(bad.cause);
    return out;
  }
};

inline DecodeOptions recovering() {
  DecodeOptions options;
  options.recover_deleted = true;
  return options;
}

}  // namespace tocsin::decode
