// One event as OCSF: the row it is of, the attributes the row fills, the rest under unmapped.
//
// The tree of a row is walked once; each attribute asks its source for a value, and objects are opened when the first
// value inside them is written, so that no empty object appears. metadata comes behind unmapped, for only then is it
// known whether something had to be cut.
#include <algorithm>
#include <array>
#include <string>

#include "core/unicode.h"
#include "normalise/ocsf.h"
#include "normalise/ocsf/convert.h"
#include "normalise/ocsf/event_fields.h"
#include "normalise/ocsf/mapping.h"
#include "normalise/ocsf/value.h"

namespace tocsin::normalise {
namespace {

using namespace ocsf;  // NOLINT: the private parts of this very folder.
using core::JsonWriter;

constexpr std::size_t kMaxMeaningBytes = 256;  // Longer values are no enumeration.

// Attributes of an event that OCSF's evidence object has too.
constexpr std::array<std::string_view, 23> kArtifacts{
    "actor",     "api",       "connection_info", "container",     "database", "databucket", "device", "dst_endpoint",
    "email",     "file",      "http_request",    "http_response", "job",      "process",    "query",  "reg_key",
    "reg_value", "resources", "script",          "src_endpoint",  "tls",      "url",        "user"};

class EventWriter {
 public:
  EventWriter(const Row* row, EventFields& fields, JsonWriter& out)
      : row_(row), fields_(fields), budget_{.end_bytes = out.size() + kMaxEventBytes}, root_(out, budget_), out_(out) {}

  void write_event() {
    out_.begin_object();
    write_class();
    write_times();
    if (row_ != nullptr) {
      for (const Node& child : row_->root.children) write_top(child);
    }
    write_raw();
    const std::string metadata = make_metadata();
    write_unmapped();
    write_metadata(metadata);
    out_.end_object();
  }

  void write_artifacts() {
    if (row_ == nullptr) return;
    for (const Node& child : row_->root.children) {
      const bool service = child.key == "win_service";
      if (service || std::ranges::find(kArtifacts, child.key) != kArtifacts.end()) write_node(child);
    }
  }

 private:
  struct Number {
    int value = 0;
    std::string caption;  // From the mapping or the event; may be empty.
  };

  // The meaning of the source's value, as a number; what the event says itself is the caption of 99.
  Number number_of(const Source& source) {
    if (source.has_constant) return {source.constant.number, source.constant.text};
    const model::Field* field = find(source);
    if (field == nullptr) return source.has_default ? Number{source.constant.number, source.constant.text} : Number{};
    const Meaning* meaning = meaning_of(source, field->text);
    fields_.use(*field);
    if (meaning != nullptr && meaning->is_number) return {meaning->number, meaning->text};
    return {99, std::string(cut_utf8(field->text, kMaxMeaningBytes))};
  }

  const model::Field* find(const Source& source) const {
    for (const Slot slot : source.from) {
      if (const model::Field* field = fields_.value(slot)) return field;
    }
    return nullptr;
  }

  static const Meaning* meaning_of(const Source& source, std::string_view text) {
    if (text.size() <= kMaxMeaningBytes) {
      const std::string folded = core::fold_utf8(text);
      if (const auto found = source.meanings.find(folded); found != source.meanings.end()) return &found->second;
      for (const auto& [prefix, meaning] : source.prefix_meanings) {
        if (folded.starts_with(prefix)) return &meaning;
      }
    }
    const auto other = source.meanings.find("*");
    return other == source.meanings.end() ? nullptr : &other->second;
  }

  void write_number(std::string_view key, std::string_view caption_key, const Number& number, std::string_view caption) {
    out_.key(key).number(number.value);
    const std::string_view shown = number.caption.empty() || number.value != 99 ? caption : std::string_view(number.caption);
    if (!shown.empty()) out_.member(caption_key, shown);
  }

  void write_class() {
    const EventClass& event_class = row_ == nullptr ? base_event() : *row_->event_class;
    out_.key("class_uid").number(event_class.uid).member("class_name", event_class.caption);
    out_.key("category_uid").number(event_class.category_uid).member("category_name", event_class.category_caption);
    Number activity = row_ == nullptr ? Number{} : number_of(row_->activity);
    if (activity_caption(event_class, activity.value).empty()) activity.value = 99;
    const std::string_view caption = activity_caption(event_class, activity.value);
    write_number("activity_id", "activity_name", activity, caption);
    out_.key("type_uid").number(event_class.uid * 100 + activity.value);
    out_.member("type_name", std::string(event_class.caption) + ": " + std::string(caption));
    Number severity = row_ == nullptr ? Number{1, {}} : number_of(row_->severity);
    if (severity_caption(severity.value).empty()) severity.value = 99;
    write_number("severity_id", "severity", severity, severity_caption(severity.value));
    if (row_ == nullptr || !row_->has_status) return;
    Number status = number_of(row_->status);
    if (status_caption(status.value).empty()) status.value = 99;
    write_number("status_id", "status", status, status_caption(status.value));
  }

  void write_times() {
    const core::Timestamp time = fields_.event().slot->time;
    if (!time.known()) return;
    std::int64_t ms = time.ns / 1'000'000;
    if (time.ns % 1'000'000 < 0) --ms;
    out_.key("time").number(ms);
  }

  void write_top(const Node& node) {
    if (node.key == "time" && fields_.event().slot->time.known()) return;
    const std::size_t before = out_.size();
    write_node(node);
    if (out_.size() == before) return;
    if (node.key == "device" || node.key == "actor") host_profile_ = true;
    if (node.key == "cloud") cloud_profile_ = true;
    if (node.key == "action_id" || node.key == "disposition_id" || node.key == "malware" || node.key == "firewall_rule") {
      control_profile_ = true;
    }
  }

  void write_node(const Node& node) {
    if (node.has_source && !writes_members(node.source.convert)) {
      write_leaf(node);
      return;
    }
    place_->enter(node.key, node.array);
    if (node.has_source) write_object(node.source);
    for (const Node& child : node.children) write_node(child);
    place_->leave();
  }

  void write_object(const Source& source) {
    const model::Field* field = find(source);
    if (field != nullptr && write_members(source.convert, field->text, *place_)) fields_.use(*field);
  }

  void write_leaf(const Node& node) {
    const Source& source = node.source;
    if (place_->has(node.key)) return;
    if (source.has_constant) {
      write_constant(node);
      return;
    }
    if (source.convert == Convert::kHashes) return write_hashes(node);
    if (source.convert == Convert::kList || source.convert == Convert::kObjects) return write_list(node);
    const model::Field* field = find(source);
    if (field == nullptr) {
      if (place_->opened() ? source.has_default : source.is_otherwise) write_constant(node);
      return;
    }
    if (!source.meanings.empty() || !source.prefix_meanings.empty()) {
      write_meaning(node, *field);
    } else if (write_converted(source.convert, *field, node.key, *place_)) {
      fields_.use(*field);
    }
  }

  void write_constant(const Node& node) {
    place_->key(node.key).raw(node.source.constant_json);
    const Meaning& meaning = node.source.constant;
    if (!meaning.is_number || meaning.text.empty() || node.caption_key.empty() || place_->has(node.caption_key)) return;
    place_->text(node.caption_key, meaning.text);
  }

  void write_meaning(const Node& node, const model::Field& field) {
    const Meaning* meaning = meaning_of(node.source, field.text);
    if (meaning == nullptr && node.source.convert != Convert::kInteger) {
      if (write_converted(node.source.convert, field, node.key, *place_)) fields_.use(field);
      return;
    }
    fields_.use(field);
    if (meaning != nullptr && !meaning->is_number) {
      const bool boolean = node.source.convert == Convert::kBoolean && (meaning->text == "true" || meaning->text == "false");
      if (boolean)
        place_->key(node.key).raw(meaning->text);
      else
        place_->text(node.key, meaning->text);
      return;
    }
    const int number = meaning == nullptr ? 99 : meaning->number;
    place_->key(node.key).number(number);
    if (node.caption_key.empty() || place_->has(node.caption_key)) return;
    if (meaning != nullptr && !meaning->text.empty())
      place_->text(node.caption_key, meaning->text);
    else if (number == 99)
      place_->text(node.caption_key, field.text);
  }

  void write_hashes(const Node& node) {
    std::vector<Fingerprint> found;
    for (const Slot slot : node.source.from) {
      fields_.each(slot, [&](const model::Field& field) {
        const std::size_t before = found.size();
        find_fingerprints(field.text, found);
        if (found.size() > before) fields_.use(field);
      });
    }
    if (found.empty()) return;
    JsonWriter& out = place_->key(node.key).begin_array();
    for (const Fingerprint& hash : found) {
      out.begin_object().member("algorithm", hash.algorithm).key("algorithm_id").number(hash.algorithm_id);
      out.key("value");
      write_text(hash.value, out, budget_);
      out.end_object();
    }
    out.end_array();
  }

  void write_list(const Node& node) {
    const Source& source = node.source;
    JsonWriter& out = place_->out();
    std::size_t count = 0;
    for (const Slot slot : source.from) {
      fields_.each(slot, [&](const model::Field& field) {
        if (count >= kMaxListElements || budget_.spent(out)) return;
        if (count++ == 0) place_->key(node.key).begin_array();
        fields_.use(field);
        if (source.convert == Convert::kObjects) out.begin_object().key(source.key);
        write_text(field.text, out, budget_);
        if (source.convert == Convert::kObjects) out.end_object();
      });
      if (count > 0) break;
    }
    if (count > 0) out.end_array();
  }

  // The record itself, of formats whose decoding loses its form.
  void write_raw() {
    const model::EventSlot& slot = *fields_.event().slot;
    if (slot.raw.empty() || slot.format == model::Format::kEvtx || slot.format == model::Format::kJson ||
        slot.format == model::Format::kUnknown) {
      return;
    }
    out_.member("raw_data", cut_utf8(slot.raw, kMaxRawDataBytes));
    out_.key("raw_data_size").number(static_cast<std::uint64_t>(slot.raw.size()));
    raw_cut_ = slot.raw.size() > kMaxRawDataBytes;
  }

  void write_unmapped() {
    const std::span<const model::Field> all = fields_.event().fields();
    std::vector<std::pair<model::NameId, std::uint32_t>> order;
    order.reserve(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!fields_.used(i)) order.emplace_back(all[i].name, static_cast<std::uint32_t>(i));
    }
    if (order.empty()) return;
    // Fields of one name side by side, then those runs in the order of the event.
    std::ranges::sort(order);
    struct Run {
      std::uint32_t begin, end;
    };
    std::vector<Run> runs;
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      if (runs.empty() || order[i].first != order[runs.back().begin].first) runs.push_back({i, i});
      runs.back().end = i + 1;
    }
    std::ranges::sort(runs, {}, [&](const Run& run) { return order[run.begin].second; });
    out_.key("unmapped").begin_object();
    for (const Run& run : runs) {
      if (budget_.spent(out_)) {
        budget_.dropped_field_count += run.end - run.begin;
        continue;
      }
      write_run(all, std::span(order).subspan(run.begin, run.end - run.begin));
    }
    write_cuts();
    out_.end_object();
  }

  void write_run(std::span<const model::Field> all, std::span<const std::pair<model::NameId, std::uint32_t>> run) {
    const model::Field& first = all[run.front().second];
    out_.key(cut_utf8(fields_.event().name(first), model::kMaxNameBytes));
    if (run.size() == 1 && !first.element) {
      write_value(first, out_, budget_);
      return;
    }
    out_.begin_array();
    for (std::size_t i = 0; i < run.size(); ++i) {
      if (i >= kMaxListElements || (i > 0 && budget_.spent(out_))) {
        budget_.dropped_field_count += run.size() - i;
        break;
      }
      write_value(all[run[i].second], out_, budget_);
    }
    out_.end_array();
  }

  void write_cuts() {
    if (!budget_.touched()) return;
    out_.key("tocsin").begin_object();
    out_.key("cut_values").number(budget_.cut_value_count).key("dropped_fields").number(budget_.dropped_field_count);
    out_.end_object();
  }

  // metadata without its end. Made before unmapped, so that what it uses is known, and put into place behind it.
  std::string make_metadata() {
    std::string text;
    JsonWriter out(text);
    out.begin_object().member("version", "1.8.0");
    Place place(out, budget_);
    place_ = &place;
    if (row_ != nullptr) {
      for (const Node& child : row_->metadata.children) write_node(child);
    }
    place_ = &root_;
    const std::string_view format = model::to_string(fields_.event().slot->format);
    if (!place.has("product")) out.key("product").begin_object().member("name", format).end_object();
    out.member("log_format", format);
    return text;
  }

  void write_metadata(std::string_view made) {
    out_.key("metadata").raw(made);
    if (host_profile_ || cloud_profile_ || control_profile_) {
      out_.key("profiles").begin_array();
      if (host_profile_) out_.text("host");
      if (cloud_profile_) out_.text("cloud");
      if (control_profile_) out_.text("security_control");
      out_.end_array();
    }
    if (budget_.touched() || raw_cut_) out_.key("is_truncated").boolean(true);
    out_.end_object();
  }

  const Row* row_;
  EventFields& fields_;
  Budget budget_;
  Place root_;
  Place* place_ = &root_;
  JsonWriter& out_;
  bool host_profile_ = false, cloud_profile_ = false, control_profile_ = false, raw_cut_ = false;
};

}  // namespace

struct Mapper::Impl {
  Mappings mappings;
};

Mapper::Mapper(const std::vector<MappingText>& sources) : impl_(std::make_unique<Impl>()) {
  impl_->mappings = read_mappings(sources);
}
Mapper::~Mapper() = default;

const std::vector<MappingProblem>& Mapper::problems() const { return impl_->mappings.problems; }

const Mappings& Mapper::mappings() const { return impl_->mappings; }

void Mapper::write_event(const model::Event& event, JsonWriter& out) const {
  EventFields fields(impl_->mappings, event);
  EventWriter(find_row(impl_->mappings, fields), fields, out).write_event();
}

void Mapper::write_evidence(const model::Event& event, JsonWriter& out) const {
  EventFields fields(impl_->mappings, event);
  const Row* row = find_row(impl_->mappings, fields);
  out.begin_object();
  EventWriter(row, fields, out).write_artifacts();
  out.key("data");
  EventWriter(row, fields, out).write_event();
  out.end_object();
}

std::string Mapper::host(const model::Event& event) const {
  const EventFields fields(impl_->mappings, event);
  const auto first_of = [&](const std::vector<Slot>& slots) {
    for (const Slot slot : slots) {
      if (const model::Field* field = fields.value(slot)) return std::string(cut_utf8(field->text, kMaxHostBytes));
    }
    return std::string();
  };
  const Row* row = find_row(impl_->mappings, fields);
  std::string out = row == nullptr ? std::string() : first_of(row->host);
  return out.empty() ? first_of(impl_->mappings.hosts) : out;
}

std::string ocsf_json(const Mapper& mapper, const model::Event& event) {
  std::string text;
  JsonWriter out(text);
  mapper.write_event(event, out);
  return text;
}

}  // namespace tocsin::normalise
