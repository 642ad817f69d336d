// Rows of the store, by plans.
//
// For each event: one look at every field (its slot by an array over name ids; the key of its kind; whether a generic name
// knows it), the plan of its kind from a table, the plan's steps until each column has something, the generic names for
// columns that have nothing, and all fields that went nowhere whole into the attributes.
//
// Example: {"EventID":1,"Image":"C:\\a.exe","User":"CORP\\bob"} of Sysmon. The key says "EventID is value 1, a category
// is there, ..."; its plan says process_name is Image, whole, so Image is no attribute; actor_user is the last part of User,
// so User stays one.
#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "core/assert.h"
#include "core/text.h"
#include "core/unicode.h"
#include "normalise/ocsf/convert.h"
#include "normalise/ocsf/event_fields.h"
#include "normalise/rows.h"
#include "normalise/rows/address.h"
#include "normalise/rows/kinds.h"
#include "normalise/rows/native_json.h"
#include "normalise/rows/plan.h"

namespace tocsin::normalise {
namespace {

using namespace rows;  // NOLINT: the private parts of this very folder.
using model::Field;
using ocsf::Slot;
using ocsf::Source;

constexpr Slot kNoSlot = 0xFFFF'FFFF;          // The name is in no mapping.
constexpr Slot kUnresolved = 0xFFFF'FFFE;      // Not asked yet.
constexpr std::size_t kMaxMeaningBytes = 256;  // As in the mapper: longer values are no enumeration.
constexpr std::size_t kMaxHashFields = 16;     // As many as the fingerprints of one OCSF file.
constexpr std::size_t kMaxAliasHits = 256;     // Fields of one event that generic names know.

// What a step found: a text, and the field it is of or a part of.
struct Taken {
  std::string_view text;
  const Field* field = nullptr;
};

struct AliasTarget {
  Column column;
  std::uint16_t rank;
};

std::string_view model::EventRow::* text_member(Column column) {
  using Row = model::EventRow;
  switch (column) {
    case Column::kProduct: return &Row::product;
    case Column::kService: return &Row::service;
    case Column::kEventCode: return &Row::event_code;
    case Column::kHost: return &Row::host;
    case Column::kUser: return &Row::user;
    case Column::kActorUser: return &Row::actor_user;
    case Column::kProcessName: return &Row::process_name;
    case Column::kProcessCmdLine: return &Row::process_cmd_line;
    case Column::kParentName: return &Row::parent_name;
    case Column::kParentCmdLine: return &Row::parent_cmd_line;
    case Column::kFilePath: return &Row::file_path;
    case Column::kHashes: return &Row::hashes;
    case Column::kRegistryKey: return &Row::registry_key;
    case Column::kSrcIp: return &Row::src_ip;
    case Column::kDstIp: return &Row::dst_ip;
    case Column::kDomain: return &Row::domain;
    case Column::kUrl: return &Row::url;
    case Column::kHttpUserAgent: return &Row::http_user_agent;
    case Column::kMessage: return &Row::message;
    default: return &Row::status;
  }
}

// Words for how it ended, of logs that no mapping knows.
std::string_view status_of_word(std::string_view text) {
  for (const std::string_view word : {"success", "succeeded", "successful", "ok", "allow", "allowed", "accept", "accepted",
                                      "permit", "permitted", "pass", "passed", "granted"}) {
    if (core::equal_ascii_case(word, text)) return "Success";
  }
  for (const std::string_view word : {"failure", "failed", "fail", "error", "deny", "denied", "block", "blocked", "reject",
                                      "rejected", "drop", "dropped", "refused"}) {
    if (core::equal_ascii_case(word, text)) return "Failure";
  }
  return {};
}

std::string_view status_text(int id) { return id == 1 ? "Success" : id == 2 ? "Failure" : ""; }

// "%ASA-6-302013" from its parts.
constexpr std::array<std::string_view, 8> kSeverities{"emergency", "alert",  "critical",      "error",
                                                      "warning",   "notice", "informational", "debug"};

}  // namespace

struct RowMaker::Impl {
  Impl(const Mapper& mapper, const model::NameTable& names)
      : mappings_(mapper.mappings()),
        names_(names),
        watch_(mappings_),
        first_(mappings_.slots.size()),
        aliases_(mappings_.slots.size()),
        base_plan_(make_plan(nullptr, nullptr)) {
    for (const ocsf::MappingFile& file : mappings_.files) {
      for (const ocsf::Row& row : file.rows) plans_.emplace(&row, make_plan(&file, &row));
    }
    std::array<std::uint16_t, kColumnCount> ranks{};
    for (const ocsf::ColumnSource& alias : mappings_.aliases) {
      std::uint16_t& rank = ranks[static_cast<std::size_t>(alias.column)];
      for (const Slot slot : alias.source.from) aliases_[slot].push_back({alias.column, rank++});
    }
  }

  void make(const model::Event& event, const RowContext& context, core::Arena& arena, model::EventRow& out) {
    event_ = &event;
    fields_ = event.fields();
    arena_ = &arena;
    row_ = &out;
    ++stats_.row_count;
    begin_row(context);
    scan();
    const RowPlan& plan = find_plan();
    if (&plan == &base_plan_) ++stats_.unmapped_event_count;
    set_numbers(plan);
    set_time(plan, context);
    set_cisco_code();
    if (plan.host == nullptr || !set_host(*plan.host)) set_host(mappings_.hosts);
    run_steps(plan.steps);
    if (!run_process(plan.process_steps)) run_process(plan.actor_steps);
    run_aliases();
    add_attributes();
    set_raw();
  }

  [[nodiscard]] const model::NameTable& table() const { return names_; }

  RowStats stats_;

 private:
  void begin_row(const RowContext& context) {
    std::vector<model::NamedValue> attributes = std::move(row_->attributes);
    attributes.clear();
    *row_ = {};
    row_->attributes = std::move(attributes);
    row_->id = context.id;
    row_->received_at = context.received_at;
    row_->tenant = context.tenant;
    row_->site = context.site;
    row_->source = context.source;
    row_->format = model::to_string(event_->slot->format);
    filled_ = 0;
  }

  Slot resolve(const Field& field) {
    const auto id = static_cast<std::uint32_t>(field.name);
    if (id >= model::kExtraNames) return look_up(event_->name(field));
    if (id >= slot_of_name_.size()) slot_of_name_.resize(std::max<std::size_t>(names_.size(), id + 1), kUnresolved);
    Slot& slot = slot_of_name_[id];
    if (slot == kUnresolved) slot = look_up(names_.text(field.name));
    return slot;
  }
  [[nodiscard]] Slot look_up(std::string_view name) const {
    const auto found = mappings_.slots.find(name);
    return found == mappings_.slots.end() ? kNoSlot : found->second;
  }

  // First fields by slot, the key, the fields with generic names.
  void scan() {
    if (++turn_ == 0) {  // Once in 4 billion events: marks of long ago must not look like this event's.
      std::ranges::fill(first_, First{});
      turn_ = 1;
    }
    key_.begin(*event_->slot);
    alias_hits_.clear();
    state_.assign(fields_.size(), State::kFree);
    for (std::uint32_t i = 0; i < fields_.size(); ++i) {
      const Slot slot = resolve(fields_[i]);
      if (slot >= kUnresolved) continue;
      First& first = first_[slot];
      const bool is_first = first.turn != turn_;
      if (is_first) {
        first = {turn_, i};
        if (!aliases_[slot].empty() && alias_hits_.size() < kMaxAliasHits) alias_hits_.push_back(slot);
      }
      if (watch_.watched(slot)) add_to_key(slot, fields_[i], is_first);
    }
  }

  void add_to_key(Slot slot, const Field& field, bool is_first) {
    const bool null = field.type == model::ValueType::kNull;
    if (is_first) key_.add((slot << 2) | (null ? 1u : 0u));
    if (!watch_.by_value(slot)) return;
    if (!is_first) {
      // Only the elements of a list are asked beside the first.
      if (!fields_[first_[slot].index].element || !ocsf::EventFields::holds_something(field)) return;
      key_.add((slot << 2) | 2u);
    }
    const Watch::Class found = watch_.classify(slot, field.text, scratch_);
    if (!found.known) key_.spoil();
    key_.add(found.value);
    key_.add(found.prefixes);
  }

  const RowPlan& find_plan() {
    if (key_.good()) {
      if (const auto found = kinds_.find(key_.text()); found != kinds_.end()) return *found->second;
    }
    ++stats_.slow_lookup_count;
    const ocsf::EventFields fields(mappings_, *event_);
    const ocsf::Row* row = ocsf::find_row(mappings_, fields);
    const RowPlan& plan = row == nullptr ? base_plan_ : plans_.find(row)->second;
    if (key_.good()) {
      if (kinds_.size() >= kMaxKinds) kinds_.clear();
      kinds_.emplace(key_.text(), &plan);
    }
    return plan;
  }

  // The first value with something in it, as EventFields::value().
  [[nodiscard]] const Field* value(Slot slot) const {
    const First& first = first_[slot];
    if (first.turn != turn_) return nullptr;
    const Field* found = &fields_[first.index];
    if (ocsf::EventFields::holds_something(*found)) return found;
    if (!found->element) return nullptr;
    for (std::size_t i = first.index + 1; i < fields_.size(); ++i) {
      if (fields_[i].name == found->name && ocsf::EventFields::holds_something(fields_[i])) return &fields_[i];
    }
    return nullptr;
  }
  [[nodiscard]] const Field* find(const Source& source) const {
    for (const Slot slot : source.from) {
      if (const Field* field = value(slot)) return field;
    }
    return nullptr;
  }

  const ocsf::Meaning* meaning_of(const Source& source, std::string_view text) {
    if (text.size() <= kMaxMeaningBytes) {
      core::fold_utf8(text, scratch_);
      if (const auto found = source.meanings.find(scratch_); found != source.meanings.end()) return &found->second;
      for (const auto& [prefix, meaning] : source.prefix_meanings) {
        if (scratch_.starts_with(prefix)) return &meaning;
      }
    }
    const auto other = source.meanings.find("*");
    return other == source.meanings.end() ? nullptr : &other->second;
  }

  int number(const NumberPlan& plan) {
    int out = plan.fixed;
    if (plan.source != nullptr) {
      const Source& source = *plan.source;
      const Field* field = source.has_constant ? nullptr : find(source);
      if (field != nullptr) {
        const ocsf::Meaning* meaning = meaning_of(source, field->text);
        out = meaning != nullptr && meaning->is_number ? meaning->number : 99;
      } else {
        out = source.has_constant || source.has_default ? source.constant.number : 0;
      }
    }
    return out >= 0 && out < 100 && ((plan.known[out / 64] >> (out % 64)) & 1u) != 0 ? out : 99;
  }

  void set_numbers(const RowPlan& plan) {
    row_->class_uid = static_cast<std::uint32_t>(plan.event_class->uid);
    row_->activity_id = static_cast<std::uint8_t>(number(plan.activity));
    row_->severity_id = static_cast<std::uint8_t>(number(plan.severity));
    if (plan.status.source == nullptr) return;
    row_->status = status_text(number(plan.status));
    if (!row_->status.empty()) fill(Column::kStatus);
  }

  void set_time(const RowPlan& plan, const RowContext& context) {
    row_->time = event_->slot->time;
    if (!row_->time.known() && plan.time != nullptr) {
      const Field* field = find(*plan.time);
      const auto time = field == nullptr ? std::nullopt : core::parse_any_time(field->text);
      if (time) row_->time = *time;
    }
    row_->time_known = row_->time.known();
    if (!row_->time_known) row_->time = context.received_at;
  }

  // As Mapper::host().
  bool set_host(const std::vector<Slot>& slots) {
    for (const Slot slot : slots) {
      const Field* field = value(slot);
      if (field == nullptr) continue;
      put_text(Column::kHost, {ocsf::cut_utf8(field->text, kMaxHostBytes), field});
      return true;
    }
    return false;
  }

  void fill(Column column) { filled_ |= 1u << static_cast<unsigned>(column); }
  [[nodiscard]] bool filled(Column column) const { return (filled_ >> static_cast<unsigned>(column) & 1u) != 0; }

  void run_steps(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      if (!filled(step.column)) run_step(step);
    }
  }

  // The process and then its parent; whether they say anything of the process itself, for a parent alone is none.
  bool run_process(const std::vector<Step>& steps) {
    const std::uint32_t before = filled_;
    for (const Step& step : steps) {
      if (step.column > Column::kProcessPid && filled_ == before) return false;
      if (!filled(step.column)) run_step(step);
    }
    return filled_ != before;
  }

  void run_step(const Step& step) {
    if (info_of(step.column).kind == ColumnKind::kHashes && step.source->convert == ocsf::Convert::kHashes) {
      take_hashes(*step.source);
      return;
    }
    const Taken taken = take(step);
    if (!taken.text.empty()) put(step.column, taken);
  }

  Taken take(const Step& step) {
    const Source& source = *step.source;
    if (source.has_constant)
      return {source.constant.is_number ? std::string_view(source.constant_json) : source.constant.text, nullptr};
    const Field* field = find(source);
    if (field == nullptr) return {};
    const std::string_view text = field->text;
    switch (step.take) {
      case Take::kValue: return take_value(source, *field);
      case Take::kAccountName: return {ocsf::split_account(text).name, field};
      case Take::kFileName: return {ocsf::base_name(text), field};
      case Take::kFilePath: return {ocsf::base_name(text).size() == text.size() ? std::string_view() : text, field};
      case Take::kEndpointAddress:
      case Take::kEndpointName: {
        const ocsf::EndpointParts parts = ocsf::split_endpoint(text);
        return {parts.is_ip == (step.take == Take::kEndpointAddress) ? parts.host : std::string_view(), field};
      }
      case Take::kEndpointPort: return {ocsf::split_endpoint(text).port, field};
      case Take::kUrlText: return {text, field};
      case Take::kUrlHost: return {ocsf::split_url(text).hostname, field};
      case Take::kUrlPort: {
        const auto port = ocsf::split_url(text).port;
        return {port ? arena_number(*port) : std::string_view(), field};
      }
      case Take::kRegistryPath: return {ocsf::split_registry_value(text).path, field};
      case Take::kRegistryName: return {ocsf::split_registry_value(text).name, field};
    }
    return {};
  }

  Taken take_value(const Source& source, const Field& field) {
    if (!source.meanings.empty() || !source.prefix_meanings.empty()) {
      if (const ocsf::Meaning* meaning = meaning_of(source, field.text))
        return {meaning->is_number ? arena_number(meaning->number) : meaning->text, &field};
    }
    if (source.convert == ocsf::Convert::kBasename) return {ocsf::base_name(field.text), &field};
    return {field.text, &field};
  }

  std::string_view arena_number(std::int64_t number) {
    char buffer[24];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
    return arena_->copy({buffer, static_cast<std::size_t>(end - buffer)});
  }

  bool put(Column column, const Taken& taken) {
    switch (info_of(column).kind) {
      case ColumnKind::kAddress: return put_address(column, taken);
      case ColumnKind::kPort: return put_number(column, taken, 65'535);
      case ColumnKind::kPid: return put_number(column, taken, 0xFFFF'FFFF);
      case ColumnKind::kStatus: {
        const std::string_view status = status_of_word(taken.text);
        if (status.empty()) return false;
        put_text(column, {status, taken.field});
        return true;
      }
      default: put_text(column, taken); return true;
    }
  }

  void put_text(Column column, const Taken& taken) {
    const std::string_view text = cut(taken.text);
    row_->*text_member(column) = text;
    fill(column);
    if (taken.field == nullptr) return;
    const std::string_view whole = taken.field->text;
    use(*taken.field, taken.text.data() == whole.data() && taken.text.size() == whole.size());
  }

  // A single field, taken whole, is no attribute any more; lists stay together there.
  void use(const Field& field, bool whole) {
    State& state = state_[static_cast<std::size_t>(&field - fields_.data())];
    if (state != State::kWhole) state = whole && !in_list(field) ? State::kWhole : State::kPart;
  }
  [[nodiscard]] bool in_list(const Field& field) const {
    const auto same = [&](const Field& other) { return &other != &field && other.name == field.name; };
    return field.element && std::ranges::any_of(fields_, same);
  }

  bool put_address(Column column, const Taken& taken) {
    char buffer[kMaxAddressBytes];
    const std::string_view canonical = canonical_address(taken.text, buffer);
    if (canonical.empty()) return false;
    const bool as_it_is = canonical.data() == taken.text.data();
    row_->*text_member(column) = as_it_is ? canonical : arena_->copy(canonical);
    fill(column);
    if (taken.field != nullptr) use(*taken.field, as_it_is && canonical.size() == taken.field->text.size());
    return true;
  }

  // 0 in a column is "not known": it stays an attribute.
  bool put_number(Column column, const Taken& taken, std::int64_t max) {
    const auto number = ocsf::to_integer(taken.text);
    if (!number || *number <= 0 || *number > max) return false;
    if (column == Column::kProcessPid)
      row_->process_pid = static_cast<std::uint32_t>(*number);
    else
      (column == Column::kSrcPort ? row_->src_port : row_->dst_port) = static_cast<std::uint16_t>(*number);
    fill(column);
    if (taken.field == nullptr) return true;
    char buffer[24];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, *number).ptr;
    use(*taken.field, taken.field->text == std::string_view(buffer, static_cast<std::size_t>(end - buffer)));
    return true;
  }

  // The texts of all fields with fingerprints, as they stand, divided by commas.
  void take_hashes(const Source& source) {
    hash_fields_.clear();
    for (const Slot slot : source.from) {
      if (first_[slot].turn != turn_) continue;
      const Field& first = fields_[first_[slot].index];
      for (std::size_t i = first_[slot].index; i < fields_.size(); ++i) {
        if (fields_[i].name == first.name && ocsf::EventFields::holds_something(fields_[i])) add_hash_field(fields_[i]);
        if (!first.element) break;
      }
    }
    if (hash_fields_.empty()) return;
    if (hash_fields_.size() == 1) {
      put_text(Column::kHashes, {hash_fields_.front()->text, hash_fields_.front()});
      return;
    }
    std::size_t size = hash_fields_.size() - 1;
    for (const Field* field : hash_fields_) size += field->text.size();
    char* at = arena_->allocate(size);
    const std::string_view joined(at, size);
    for (const Field* field : hash_fields_) {
      if (at != joined.data()) *at++ = ',';
      at = std::ranges::copy(field->text, at).out;
      use(*field, size <= kMaxValueBytes);
    }
    put_text(Column::kHashes, {joined, nullptr});
  }
  void add_hash_field(const Field& field) {
    fingerprints_.clear();
    ocsf::find_fingerprints(field.text, fingerprints_);
    if (!fingerprints_.empty() && hash_fields_.size() < kMaxHashFields) hash_fields_.push_back(&field);
  }

  // Cisco names its messages %FACILITY-SEVERITY-MNEMONIC, which the decoder took apart.
  void set_cisco_code() {
    if (event_->slot->payload != model::Payload::kCisco) return;
    const std::string_view facility = last_text("facility"), severity = last_text("severity"),
                           mnemonic = last_text("mnemonic");
    const auto level = std::ranges::find(kSeverities, severity);
    if (facility.empty() || mnemonic.empty() || level == kSeverities.end()) return;
    const std::size_t size = facility.size() + mnemonic.size() + 4;
    if (size > kMaxMeaningBytes) return;
    char* at = arena_->allocate(size);
    row_->event_code = {at, size};
    *at++ = '%';
    at = std::ranges::copy(facility, at).out;
    *at++ = '-';
    *at++ = static_cast<char>('0' + (level - kSeverities.begin()));
    *at++ = '-';
    std::ranges::copy(mnemonic, at);
    fill(Column::kEventCode);
  }
  // The last of that name: the header of syslog has a facility and a severity too, and stands first.
  [[nodiscard]] std::string_view last_text(std::string_view name) const {
    for (std::size_t i = fields_.size(); i > 0; --i) {
      if (event_->name(fields_[i - 1]) == name) return fields_[i - 1].text;
    }
    return {};
  }

  struct Candidate {
    Column column;
    std::uint16_t rank;
    Slot slot;
    auto operator<=>(const Candidate&) const = default;
  };

  // Generic names: for each empty column the first that fits, of the fields no column has anything of.
  void run_aliases() {
    candidates_.clear();
    for (const Slot slot : alias_hits_) {
      for (const AliasTarget& target : aliases_[slot]) {
        if (!filled(target.column) && target.column != Column::kHost)
          candidates_.push_back({target.column, target.rank, slot});
      }
    }
    std::ranges::sort(candidates_);
    for (const Candidate& candidate : candidates_) {
      if (filled(candidate.column)) continue;
      const Field* field = value(candidate.slot);
      if (field == nullptr || state_[static_cast<std::size_t>(field - fields_.data())] != State::kFree) continue;
      put(candidate.column, {field->text, field});
    }
  }

  std::string_view cut(std::string_view text) {
    if (text.size() <= kMaxValueBytes) return text;
    const std::string_view out = ocsf::cut_utf8(text, kMaxValueBytes);
    ++stats_.cut_value_count;
    stats_.cut_bytes += text.size() - out.size();
    return out;
  }

  void add_attributes() {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const Field& field = fields_[i];
      if (state_[i] == State::kWhole || field.type == model::ValueType::kNull) continue;
      if (row_->attributes.size() == kMaxAttributes) {
        ++stats_.dropped_attribute_count;
        continue;
      }
      row_->attributes.push_back({event_->name(field), cut(field.text)});
    }
  }

  void set_raw() {
    const model::EventSlot& slot = *event_->slot;
    row_->raw = slot.format == model::Format::kEvtx ? arena_->copy(native_json_.make(*event_)) : slot.raw;
  }

  enum class State : std::uint8_t { kFree, kPart, kWhole };
  struct First {
    std::uint32_t turn = 0, index = 0;
  };

  const ocsf::Mappings& mappings_;
  const model::NameTable& names_;
  Watch watch_;
  std::vector<Slot> slot_of_name_;  // By name id; kUnresolved until asked.
  std::vector<First> first_;        // By slot; of this event where `turn` is turn_.
  std::vector<std::vector<AliasTarget>> aliases_;
  std::unordered_map<const ocsf::Row*, RowPlan> plans_;
  RowPlan base_plan_;
  std::unordered_map<std::u32string, const RowPlan*, KindHash, std::equal_to<>> kinds_;
  std::uint32_t turn_ = 0;

  // Of the event at hand.
  const model::Event* event_ = nullptr;
  std::span<const Field> fields_;
  core::Arena* arena_ = nullptr;
  model::EventRow* row_ = nullptr;
  KindKey key_;
  std::uint32_t filled_ = 0;  // Bits by column.
  std::vector<State> state_;  // By field.
  std::vector<Slot> alias_hits_;
  std::vector<Candidate> candidates_;
  std::vector<const Field*> hash_fields_;
  std::vector<ocsf::Fingerprint> fingerprints_;
  std::string scratch_;
  NativeJson native_json_;
};

RowMaker::RowMaker(const Mapper& mapper, const model::NameTable& names) : impl_(std::make_unique<Impl>(mapper, names)) {}
RowMaker::~RowMaker() = default;

void RowMaker::make(const model::Event& event, const RowContext& context, core::Arena& arena, model::EventRow& out) {
  TOCSIN_ASSERT(&event.batch->names() == &impl_->table());
  impl_->make(event, context, arena, out);
}

const RowStats& RowMaker::stats() const { return impl_->stats_; }

}  // namespace tocsin::normalise
