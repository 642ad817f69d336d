// The form: numbers and texts, a text as its length, a colon and its bytes, since keys may hold any character:
// "1 3:abc ..." is one entity of ...; read strictly, it comes from our own file but files are damaged.
#include "triage/desk/body.h"

#include <algorithm>
#include <charconv>

#include "core/json_writer.h"

namespace tocsin::triage {
namespace {

constexpr std::size_t kMaxEntities = 64, kMaxRelations = 128;
constexpr std::size_t kMaxBodyBytes = ledger::kMaxJsonBytes;
constexpr std::size_t kMaxReasonsBytes = ledger::kMaxJsonBytes;
constexpr std::size_t kMaxListed = 64;

void put(std::string& out, std::uint64_t value) { out.append(std::to_string(value)).push_back(' '); }
void put(std::string& out, std::string_view text) {
  out.append(std::to_string(text.size())).push_back(':');
  out.append(text);
}

class Reader {
 public:
  explicit Reader(std::string_view body) : rest_(body) {}
  std::uint64_t number() { return until(' '); }
  std::string text() {
    const std::uint64_t size = until(':');
    if (size > rest_.size()) bad_ = true;
    if (bad_) return {};
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }
  [[nodiscard]] bool good() const { return !bad_; }

 private:
  std::uint64_t until(char end) {
    std::uint64_t value = 0;
    const auto [at, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const auto length = static_cast<std::size_t>(at - rest_.data());
    if (error != std::errc() || length >= rest_.size() || rest_[length] != end) {
      bad_ = true;
      return 0;
    }
    rest_.remove_prefix(length + 1);
    return value;
  }
  std::string_view rest_;
  bool bad_ = false;
};

std::string first_label(const Finding& finding, model::EntityKind kind) {
  const model::Entity* best = nullptr;
  for (const model::Entity& entity : finding.entities) {
    if (entity.kind == kind && (best == nullptr || entity.role < best->role)) best = &entity;
  }
  if (best == nullptr) return {};
  return ledger_text(best->label.empty() ? best->key : best->label, ledger::kMaxEntityBytes);
}

std::vector<std::string> listed(const std::vector<std::string>& list) {
  std::vector<std::string> out;
  for (const std::string& item : list) {
    std::string text = ledger_text(item, ledger::kMaxNameBytes);
    std::replace(text.begin(), text.end(), ',', ' ');
    if (!text.empty() && out.size() < kMaxListed) out.push_back(std::move(text));
  }
  return out;
}

}  // namespace

std::string ledger_text(std::string_view text, std::size_t max_bytes) {
  std::size_t end = std::min(text.size(), max_bytes);
  if (end < text.size()) {
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  }
  std::string out(text.substr(0, end));
  std::replace(out.begin(), out.end(), '\0', '?');
  return out;
}

std::string write_body(const Finding& finding) {
  std::string out;
  put(out, finding.sequence);
  put(out, static_cast<std::uint64_t>(finding.received_at.ns));
  put(out, ledger_text(finding.site, ledger::kMaxNameBytes));
  std::vector<std::uint32_t> places(finding.entities.size(), 0);  // 1-based; 0: left out.
  std::vector<const model::Entity*> kept;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < finding.entities.size() && kept.size() < kMaxEntities; ++i) {
    const model::Entity& entity = finding.entities[i];
    const std::size_t size = entity.key.size() + entity.label.size() + 32;
    if (entity.key.size() > ledger::kMaxEntityBytes || bytes + size > kMaxBodyBytes / 2) continue;
    bytes += size;
    kept.push_back(&entity);
    places[i] = static_cast<std::uint32_t>(kept.size());
  }
  put(out, kept.size());
  for (const model::Entity* entity : kept) {
    put(out, static_cast<std::uint64_t>(entity->kind));
    put(out, static_cast<std::uint64_t>(entity->role));
    put(out, ledger_text(entity->key, ledger::kMaxEntityBytes));
    put(out, ledger_text(entity->label, ledger::kMaxEntityBytes));
  }
  std::vector<Finding::Relation> relations;
  for (const Finding::Relation& relation : finding.relations) {
    if (relation.from >= places.size() || relation.to >= places.size() || relations.size() >= kMaxRelations) continue;
    if (places[relation.from] == 0 || places[relation.to] == 0) continue;
    relations.push_back({relation.kind, places[relation.from] - 1, places[relation.to] - 1});
  }
  put(out, relations.size());
  for (const Finding::Relation& relation : relations) {
    put(out, static_cast<std::uint64_t>(relation.kind));
    put(out, std::uint64_t{relation.from});
    put(out, std::uint64_t{relation.to});
  }
  return out;
}

core::Result<Finding> read_body(std::string_view body, const ledger::IncidentMember& member, std::string_view tenant) {
  const core::Error bad{core::ErrorCode::kInvalid,
                        "triage: what the ledger keeps of finding " + member.finding + " is damaged"};
  Reader reader(body);
  Finding out;
  out.id = member.finding;
  out.event_time = member.event_time;
  out.detected_at = member.detected_at;
  out.tenant = tenant;
  out.source = member.source;
  out.rule_id = member.rule_id;
  out.rule_title = member.rule_title;
  out.severity_id = member.severity_id;
  out.tactics = member.tactics;
  out.sequence = reader.number();
  out.received_at.ns = static_cast<std::int64_t>(reader.number());
  out.site = reader.text();
  const std::uint64_t count = reader.number();
  if (!reader.good() || count > kMaxEntities) return bad;
  for (std::uint64_t i = 0; i < count && reader.good(); ++i) {
    model::Entity entity;
    const std::uint64_t kind = reader.number(), role = reader.number();
    if (kind >= model::kEntityKindCount || role >= model::kEntityRoleCount) return bad;
    entity.kind = static_cast<model::EntityKind>(kind);
    entity.role = static_cast<model::EntityRole>(role);
    entity.key = reader.text();
    entity.label = reader.text();
    out.entities.push_back(std::move(entity));
  }
  const std::uint64_t relations = reader.number();
  if (!reader.good() || relations > kMaxRelations) return bad;
  for (std::uint64_t i = 0; i < relations && reader.good(); ++i) {
    const std::uint64_t kind = reader.number(), from = reader.number(), to = reader.number();
    if (kind > static_cast<std::uint64_t>(Finding::Relation::Kind::kWrote) || from >= count || to >= count) return bad;
    out.relations.push_back(
        {static_cast<Finding::Relation::Kind>(kind), static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to)});
  }
  if (!reader.good()) return bad;
  return out;
}

ledger::IncidentMember member_of(const Finding& finding) {
  ledger::IncidentMember out;
  out.finding = finding.id;
  out.event_time = finding.event_time;
  out.detected_at = finding.detected_at;
  out.rule_id = ledger_text(finding.rule_id, ledger::kMaxNameBytes);
  out.rule_title = ledger_text(finding.rule_title, ledger::kMaxEntityBytes);
  out.source = ledger_text(finding.source, ledger::kMaxNameBytes);
  out.host = first_label(finding, model::EntityKind::kHost);
  out.user = first_label(finding, model::EntityKind::kUser);
  out.severity_id = finding.severity_id;
  out.tactics = listed(finding.tactics);
  return out;
}

std::string reasons_json(const std::vector<model::JoinReason>& reasons) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (const model::JoinReason& reason : reasons) {
    if (out.size() > kMaxReasonsBytes / 2) break;
    json.begin_object().member("kind", reason.kind).member("text", ledger_text(reason.text, ledger::kMaxSentenceBytes));
    json.key("entity").begin_object().member("kind", model::to_string(reason.entity.kind));
    json.member("key", ledger_text(reason.entity.key, ledger::kMaxEntityBytes));
    json.member("label", ledger_text(reason.entity.label, ledger::kMaxEntityBytes)).end_object();
    json.member("finding", reason.finding).key("gap_ms").number(reason.gap_ns / 1'000'000);
    json.key("weight").number(reason.weight).end_object();
  }
  json.end_array();
  return out;
}

std::string parts_json(const std::vector<model::ScorePart>& parts) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (const model::ScorePart& part : parts) {
    json.begin_object().member("name", part.name).key("points").number(part.points).member("why", part.why).end_object();
  }
  json.end_array();
  return out;
}

std::string fold_key(const Finding& finding) {
  std::vector<std::string> texts;
  for (const model::Entity& entity : finding.entities) {
    texts.push_back(std::string(model::to_string(entity.kind)) + ":" + entity.key);
  }
  std::sort(texts.begin(), texts.end());
  std::string out;
  put(out, finding.tenant);
  put(out, finding.rule_id);
  for (const std::string& text : texts) put(out, text);
  return out;
}

}  // namespace tocsin::triage
