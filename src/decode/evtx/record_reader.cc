#include "decode/evtx/record_reader.h"

#include <algorithm>

#include "decode/evtx/utf16.h"

namespace tocsin::decode::evtx {
namespace {

// u32 next, GUID, u32 size of the body.
constexpr std::size_t kDefinitionHeaderBytes = 24;
constexpr std::size_t kGuidBytes = 16;

// A header (version 1.1, no flags) and enough for a template instance.
bool fragment_follows(const Cursor& in) {
  constexpr std::string_view kHeader{"\x0F\x01\x01\x00", kFragmentHeaderBytes};
  constexpr std::size_t kInstanceBytes = 14;
  return in.left() >= kFragmentHeaderBytes + kInstanceBytes && std::string_view(in.here(), kFragmentHeaderBytes) == kHeader;
}

}  // namespace

void RecordReader::begin_block(const model::Batch& out) {
  // Ids of names that only a batch knows die with it.
  if (names_ == &out.names() && !has_batch_names_) return;
  names_ = &out.names();
  has_batch_names_ = false;
  ++generation_;
}

void RecordReader::begin_chunk(Chunk chunk) {
  chunk_ = chunk;
  budget_ = {};
  in_chunk_.clear();
  if (programs_.size() < kMaxPrograms && program_bytes_ < kMaxProgramBytes && !places_.full()) return;
  programs_.clear();
  program_bytes_ = 0;
  places_.reset();
}

Fault RecordReader::read(std::size_t at, std::size_t end, model::Batch& out, core::Timestamp& time) {
  out_ = &out;
  time_ = core::kNoTime;
  values_.clear();
  const Fault fault = fragments({chunk_, at, end}, kRootPlace, 0);
  if (time_.known()) time = time_;
  return fault;
}

// Fragments follow one another; each is a header and a template instance or an element, then an end token.
Fault RecordReader::fragments(Cursor in, PlaceId place, std::size_t depth) {
  if (depth >= model::kMaxDepth) return kTooDeep;
  while (in.left() > 0) {
    if (!spend_step()) return kTooMuch;
    Fault fault = nullptr;
    RawName ignored;
    switch (static_cast<Token>(*in.here() & ~kMoreFlag)) {
      case Token::kFragment:
        if (!in.skip(kFragmentHeaderBytes)) return kTornRecord;
        break;
      case Token::kTemplate: fault = instance(in, place, depth); break;
      case Token::kOpen: fault = element(in, place, depth); break;
      case Token::kPiTarget:
        in.skip(1);
        fault = in.name(ignored);
        break;
      case Token::kPiData:
        in.skip(1);
        fault = in.counted_text(ignored);
        break;
      case Token::kEnd:
        in.skip(1);
        // Behind the last fragment stands padding, of anything; behind another one, its header.
        if (!fragment_follows(in)) return nullptr;
        break;
      default: return kBadToken;
    }
    if (fault != nullptr) return fault;
  }
  return nullptr;
}

Fault RecordReader::element(Cursor& in, PlaceId place, std::size_t depth) {
  Program program;
  const std::size_t before = in.at;
  if (budget_.template_bytes == 0) return kTooMuch;
  const Fault fault = compile(in, {.one_element = true}, place, places_, program);
  budget_.template_bytes -= std::min(budget_.template_bytes, in.at - before);
  if (fault != nullptr) return fault;
  resolve(program);
  return run(program, {}, depth);
}

Fault RecordReader::instance(Cursor& in, PlaceId place, std::size_t depth) {
  std::uint32_t id = 0;
  std::uint32_t offset = 0;
  if (!in.skip(2) || !in.u32(id) || !in.u32(offset)) return kTornRecord;
  if (offset == in.at) {
    if (in.left() < kDefinitionHeaderBytes) return kTornRecord;
    const std::size_t body_bytes = load_u32(in.here() + kDefinitionHeaderBytes - 4);
    if (!in.skip(kDefinitionHeaderBytes) || !in.skip(body_bytes)) return kTornRecord;
  }
  const Found found = definition(offset, id, place);
  if (found.fault != nullptr) return found.fault;
  Values values{values_.size(), 0};
  Fault fault = read_values(in, values);
  resolve(*found.program);
  if (fault == nullptr) fault = run(*found.program, values, depth);
  values_.resize(values.first);
  return fault;
}

Fault RecordReader::read_values(Cursor& in, Values& out) {
  std::uint32_t count = 0;
  if (!in.u32(count) || in.left() / 4 < count) return kTornRecord;
  if (budget_.steps < count) return kTooMuch;
  budget_.steps -= count;
  const char* descriptor = in.here();
  in.skip(std::size_t{count} * 4);
  values_.resize(out.first + count);
  for (std::size_t i = 0; i < count; ++i, descriptor += 4) {
    const std::uint16_t size_bytes = load_u16(descriptor);
    if (in.left() < size_bytes) return kTornRecord;
    values_[out.first + i] = {static_cast<std::uint32_t>(in.at), size_bytes, static_cast<std::uint8_t>(descriptor[2])};
    in.at += size_bytes;
  }
  out.count = count;
  return nullptr;
}

RecordReader::Found RecordReader::definition(std::size_t offset, std::uint32_t id, PlaceId place) {
  const std::uint64_t key = (static_cast<std::uint64_t>(offset) << 32) | static_cast<std::uint32_t>(place);
  const auto known = in_chunk_.find(key);
  if (known != in_chunk_.end()) return known->second;
  const Found found = make_program(offset, id, place);
  in_chunk_.emplace(key, found);
  return found;
}

RecordReader::Found RecordReader::make_program(std::size_t offset, std::uint32_t id, PlaceId place) {
  if (offset > chunk_.size_bytes || chunk_.size_bytes - offset < kDefinitionHeaderBytes) return {nullptr, kBadTemplate};
  const char* header = chunk_.bytes + offset;
  const std::size_t body = offset + kDefinitionHeaderBytes;
  const std::size_t body_bytes = load_u32(header + kDefinitionHeaderBytes - 4);
  // An instance names its template by the first four bytes of the GUID: in slack they may belong to another.
  if (load_u32(header + 4) != id || body_bytes > chunk_.size_bytes - body) return {nullptr, kBadTemplate};
  if (budget_.template_bytes < body_bytes) return {nullptr, kTooMuch};
  budget_.template_bytes -= body_bytes;
  Cursor in{chunk_, body, body + body_bytes};
  Key key;
  key.guid = {load_u64(header + 4), load_u64(header + 4 + kGuidBytes / 2)};
  key.place = place;
  if (const Fault fault = fingerprint(in, key.fingerprint)) return {nullptr, fault};
  const auto known = programs_.find(key);
  if (known != programs_.end()) return {known->second.get(), nullptr};
  auto program = std::make_unique<Program>();
  if (const Fault fault = compile(in, {.in_template = true}, place, places_, *program)) return {nullptr, fault};
  program_bytes_ += program->memory_bytes();
  return {programs_.emplace(key, std::move(program)).first->second.get(), nullptr};
}

void RecordReader::resolve(Program& program) {
  if (program.resolved_for == generation_) return;
  std::vector<model::NameId> ids;
  ids.reserve(program.names.size());
  for (const std::string& name : program.names) {
    ids.push_back(out_->intern(name));
    has_batch_names_ |= static_cast<std::uint32_t>(ids.back()) >= model::kExtraNames;
  }
  for (Op& op : program.ops) {
    if (op.name_index != kNone) op.name = ids[op.name_index];
  }
  program.resolved_for = generation_;
}

Fault RecordReader::run(const Program& program, Values values, std::size_t depth) {
  for (const Op& op : program.ops) {
    if (!spend_step()) return kTooMuch;
    Fault fault = nullptr;
    const Part* first = program.parts.data() + op.first_part;
    if (op.part_count == 1 && first->slot != kNone) {
      fault = run_slot(op, value_at(values, first->slot), values, depth);
    } else if (op.part_count == 1 && !op.is_time) {
      const std::string_view literal = std::string_view(program.literals).substr(first->text_at, first->text_bytes);
      if (budget_.output_bytes < literal.size()) return kTooMuch;
      fault = put(op, model::ValueType::kText, out_->arena().copy(literal), op.list, values);
    } else if (op.part_count == 0) {
      fault = put(op, model::ValueType::kText, {}, op.list, values);
    } else {
      fault = run_pieces(program, op, values, depth);
    }
    if (fault != nullptr) return fault;
  }
  return nullptr;
}

Fault RecordReader::run_slot(const Op& op, const Value& value, Values values, std::size_t depth) {
  const auto type = static_cast<BinType>(value.type);
  if (type == BinType::kBinXml) {
    if (op.attribute || value.size_bytes == 0) return nullptr;
    return fragments({chunk_, value.at, std::size_t{value.at} + value.size_bytes}, op.place, depth + 1);
  }
  if (op.name_index == kNone) return nullptr;
  if ((value.type & kArrayFlag) != 0) return run_array(op, value, values);
  if (op.is_time && type == BinType::kFiletime && value.size_bytes >= 8) {
    time_ = core::from_filetime(load_u64(chunk_.bytes + value.at));
  }
  const Text text = render_value(type, chunk_.bytes + value.at, value.size_bytes, out_->arena());
  return put(op, text.type, text.text, op.list, values);
}

// A run of elements: strings end in NUL each, others have one size. An array of none is an empty value.
Fault RecordReader::run_array(const Op& op, const Value& value, Values values) {
  const auto type = static_cast<BinType>(value.type & ~kArrayFlag);
  const char* at = chunk_.bytes + value.at;
  std::size_t left = value.size_bytes;
  const std::size_t fixed_bytes = element_bytes(type);
  bool any = false;
  while (left > 0) {
    if (!spend_step()) return kTooMuch;
    std::size_t used = fixed_bytes;
    if (type == BinType::kString) {
      used = 0;
      while (used + 2 <= left && load_u16(at + used) != 0) used += 2;
    } else if (type == BinType::kSid) {
      used = left < 8 ? 0 : 8 + 4 * std::size_t{static_cast<unsigned char>(at[1])};
    } else if (type == BinType::kAnsi) {
      while (used < left && at[used] != 0) ++used;
    }
    const bool terminated = type == BinType::kString || type == BinType::kAnsi;
    if (!terminated && (used == 0 || used > left)) used = left;
    const Text text = render_value(type, at, used, out_->arena());
    if (Fault fault = put(op, text.type, text.text, true, values)) return fault;
    any = true;
    used = std::min(left, used + (type == BinType::kString ? 2U : type == BinType::kAnsi ? 1U : 0U));
    at += used;
    left -= used;
  }
  return any ? nullptr : put(op, model::ValueType::kNull, {}, op.list, values);
}

// Several pieces are one text; but where BinXML is embedded among them, the pieces stand for themselves.
Fault RecordReader::run_pieces(const Program& program, const Op& op, Values values, std::size_t depth) {
  std::string joined;
  bool any_text = false;
  for (std::uint32_t i = 0; i < op.part_count; ++i) {
    if (!spend_step()) return kTooMuch;
    const Part& part = program.parts[op.first_part + i];
    if (part.slot == kNone) {
      joined.append(program.literals, part.text_at, part.text_bytes);
      any_text = true;
    } else {
      const Value value = value_at(values, part.slot);
      if (static_cast<BinType>(value.type) == BinType::kBinXml) {
        if (Fault fault = run_slot(op, value, values, depth)) return fault;
        continue;
      }
      const auto type = static_cast<BinType>(value.type & ~kArrayFlag);
      const Text text = render_value(type, chunk_.bytes + value.at, value.size_bytes, out_->arena());
      any_text |= type != BinType::kNull;
      joined += text.text;
    }
    if (joined.size() > budget_.output_bytes) return kTooMuch;
  }
  if (op.name_index == kNone || !any_text) return nullptr;
  const std::string_view text = out_->arena().copy(joined);
  if (op.is_time) time_ = core::parse_iso_time(text).value_or(time_);
  return put(op, model::ValueType::kText, text, op.list, values);
}

model::NameId RecordReader::name_of(const Op& op, Values values) {
  if (op.name_slot == kNone) return op.name;
  const Value value = value_at(values, op.name_slot);
  const Text text = render_value(static_cast<BinType>(value.type), chunk_.bytes + value.at, value.size_bytes, out_->arena());
  return text.text.empty() ? op.name : out_->intern(without_spaces(text.text));
}

Fault RecordReader::put(const Op& op, model::ValueType type, std::string_view text, bool list, Values values) {
  if (text.empty()) {
    if (op.attribute || !op.keep_empty) return nullptr;
    type = op.empty_is_null ? model::ValueType::kNull : model::ValueType::kText;
  }
  if (budget_.output_bytes < text.size() || budget_.fields == 0) return kTooMuch;
  budget_.output_bytes -= text.size();
  --budget_.fields;
  out_->add(name_of(op, values), type, text, list);
  return nullptr;
}

}  // namespace tocsin::decode::evtx
