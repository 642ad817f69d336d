#include "decode/evtx/program.h"

#include <array>
#include <unordered_map>

namespace tocsin::decode::evtx {
namespace {

// Follows the open elements and turns each attribute and each leaf element into an Op.
class Compiler {
 public:
  Compiler(const Chunk& chunk, PlaceId root, Places& places, Program& out)
      : chunk_(chunk), root_(root), places_(places), out_(out) {}

  void open(RawName name) {
    finish_attribute();
    if (!frames_.empty()) {
      flush_content(/*leaf=*/false);
      frames_.back().has_child = true;
    }
    Frame frame;
    frame.parent = frames_.empty() ? root_ : frames_.back().place;
    frame.element = to_utf8(chunk_, name);
    frame.place = places_.child(frame.parent, frame.element);
    frames_.push_back(std::move(frame));
  }

  void attribute(RawName name) {
    finish_attribute();
    if (frames_.empty()) return;
    attribute_ = to_utf8(chunk_, name);
    in_attribute_ = true;
  }

  void start_closed() { finish_attribute(); }

  void close() {
    finish_attribute();
    if (frames_.empty()) return;
    flush_content(!frames_.back().has_child);
    frames_.pop_back();
  }

  void text(RawName units) { add_literal(to_utf8(chunk_, units)); }

  void code_point(std::uint16_t unit) {
    const auto low = static_cast<char>(unit & 0xFF);
    const auto high = static_cast<char>(unit >> 8);
    const std::array<char, 2> bytes{low, high};
    const Chunk one{bytes.data(), bytes.size()};
    add_literal(to_utf8(one, {0, 1}));
  }

  void entity(RawName name) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kEntities{
        {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}}};
    const std::string wanted = to_utf8(chunk_, name);
    for (const auto& [entity_name, text] : kEntities) {
      if (wanted == entity_name) return add_literal(text);
    }
    add_literal("&" + wanted + ";");
  }

  void substitution(Substitution slot) { pending_.push_back({.slot = slot.slot}); }

 private:
  struct Frame {
    PlaceId parent{};
    PlaceId place{};
    std::string element;
    std::uint32_t name_slot = kNone;
    bool has_child = false;
    bool has_attribute = false;
  };

  void add_literal(std::string_view text) {
    // Adjacent literals become one.
    if (!pending_.empty() && pending_.back().slot == kNone &&
        pending_.back().text_at + pending_.back().text_bytes == out_.literals.size()) {
      pending_.back().text_bytes += static_cast<std::uint32_t>(text.size());
    } else {
      pending_.push_back({kNone, static_cast<std::uint32_t>(out_.literals.size()), static_cast<std::uint32_t>(text.size())});
    }
    out_.literals += text;
  }

  std::string_view literal(const Part& part) const {
    return std::string_view(out_.literals).substr(part.text_at, part.text_bytes);
  }

  void finish_attribute() {
    if (!in_attribute_) return;
    in_attribute_ = false;
    Frame& frame = frames_.back();
    if (attribute_ == "Name" && places_.takes_name(frame.parent, frame.element)) {
      name_element(frame);
      pending_.clear();
      return;
    }
    frame.has_attribute = true;
    const std::uint32_t field = places_.attribute_field(frame.place, attribute_);
    if (field != 0 && !pending_.empty()) emit(places_.field(field), frame, /*attribute=*/true);
    pending_.clear();
  }

  void name_element(Frame& frame) {
    if (pending_.size() != 1) return;  // No name, or one made of pieces: nobody writes that. Unnamed then.
    if (pending_[0].slot != kNone) {
      frame.name_slot = pending_[0].slot;
    } else if (pending_[0].text_bytes != 0) {
      frame.place = places_.named_data(frame.parent, literal(pending_[0]));
    }
  }

  // What stood in the innermost element so far becomes its field. Not a leaf: only non-blank text and slots count.
  void flush_content(bool leaf) {
    Frame& frame = frames_.back();
    const FieldName& field = places_.field(places_.text_field(frame.place));
    if (pending_.empty()) {
      if (leaf && field.keep_empty && !frame.has_attribute) emit(field, frame, false);
      return;
    }
    const bool lone_literal = pending_.size() == 1 && pending_[0].slot == kNone;
    const bool blank = lone_literal && literal(pending_[0]).find_first_not_of(" \t\r\n") == std::string_view::npos;
    if (leaf || !blank) {
      FieldName here = field;
      here.keep_empty = field.keep_empty && leaf && !frame.has_attribute;
      emit(here, frame, false);
    }
    pending_.clear();
  }

  void emit(const FieldName& field, const Frame& frame, bool attribute) {
    const bool no_field = field.name.empty();
    bool has_slot = false;
    for (const Part& part : pending_) has_slot |= part.slot != kNone;
    if (no_field && (attribute || !has_slot)) return;
    Op op;
    op.name_index = no_field ? kNone : name_index(field.name);
    op.first_part = static_cast<std::uint32_t>(out_.parts.size());
    op.part_count = static_cast<std::uint32_t>(pending_.size());
    op.name_slot = attribute ? kNone : frame.name_slot;
    op.place = frame.place;
    op.attribute = attribute;
    op.list = field.list && op.name_slot == kNone;
    op.keep_empty = field.keep_empty && !attribute;
    op.is_time = field.is_time;
    op.empty_is_null = field.empty_is_null;
    out_.parts.insert(out_.parts.end(), pending_.begin(), pending_.end());
    out_.ops.push_back(op);
  }

  std::uint32_t name_index(const std::string& name) {
    const auto [at, is_new] = name_indexes_.try_emplace(name, static_cast<std::uint32_t>(out_.names.size()));
    if (is_new) out_.names.push_back(name);
    return at->second;
  }

  const Chunk& chunk_;
  PlaceId root_;
  Places& places_;
  Program& out_;
  std::vector<Frame> frames_;
  std::vector<Part> pending_;  // Of the open attribute, or of the innermost open element.
  std::string attribute_;
  bool in_attribute_ = false;
  std::unordered_map<std::string, std::uint32_t> name_indexes_;
};

}  // namespace

std::size_t Program::memory_bytes() const {
  std::size_t bytes = sizeof *this + ops.size() * sizeof(Op) + parts.size() * sizeof(Part) + literals.size();
  for (const std::string& name : names) bytes += sizeof name + name.size();
  return bytes;
}

Fault compile(Cursor& in, ParseOptions options, PlaceId place, Places& places, Program& out) {
  Compiler compiler(in.chunk, place, places, out);
  return parse_elements(in, options, compiler);
}

}  // namespace tocsin::decode::evtx
