#include "decode/text/decode_test_support.h"

namespace tocsin::decode::text {

model::Event Decoded::event(std::size_t index) const {
  for (const auto& batch : batches) {
    if (index < batch->size()) return batch->event(index);
    index -= batch->size();
  }
  return {};
}

std::size_t Decoded::size() const {
  std::size_t count = 0;
  for (const auto& batch : batches) count += batch->size();
  return count;
}

std::vector<model::BadRecord> Decoded::bad() const {
  std::vector<model::BadRecord> all;
  for (const auto& batch : batches) all.insert(all.end(), batch->bad().begin(), batch->bad().end());
  return all;
}

std::string Decoded::text(std::size_t index, std::string_view name) const { return std::string(event(index).text(name)); }

std::unique_ptr<Decoded> decode_all(Decoder& decoder, std::string_view input, std::size_t step_bytes) {
  auto decoded = std::make_unique<Decoded>();
  auto& batch = *decoded->batches.emplace_back(std::make_unique<model::Batch>(decoded->names));
  std::size_t start = 0, end = 0;
  while (start < input.size()) {
    end = std::min(end + step_bytes, input.size());
    const bool last = end == input.size();
    const std::size_t length = decoder.cut(input.substr(start, end - start), last);
    if (length == 0) continue;
    auto& block = *decoded->blocks.emplace_back(std::make_unique<std::string>(input.substr(start, length)));
    block.append(kPaddingBytes, '\0');
    decoder.decode(std::string_view(block).substr(0, length), batch);
    start += length;
    end = std::max(end, start);
  }
  decoder.finish(*decoded->batches.emplace_back(std::make_unique<model::Batch>(decoded->names)));
  for (const auto& filled : decoded->batches) decoded->bad_count += filled->bad_count();
  return decoded;
}

std::string dump(const model::Event& event) {
  std::string text;
  model::NameId list = model::kNoName;
  const auto close = [&] {
    if (list != model::kNoName) text += ']';
    list = model::kNoName;
  };
  for (const model::Field& field : event.fields()) {
    const std::string value = field.type == model::ValueType::kNull ? "null" : std::string(field.text);
    if (field.element && field.name == list) {
      text += '|' + value;
      continue;
    }
    close();
    if (!text.empty()) text += ' ';
    text.append(event.name(field)).append(field.element ? "=[" : "=").append(value);
    if (field.element) list = field.name;
  }
  close();
  return text;
}

std::vector<std::string> dump_all(const Decoded& decoded) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < decoded.size(); ++i) lines.push_back(dump(decoded.event(i)));
  return lines;
}

}  // namespace tocsin::decode::text
