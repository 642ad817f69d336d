#include <algorithm>

#include "ledger/audit_chain.h"
#include "ledger/connection.h"
#include "ledger/ledger.h"

namespace tocsin::ledger {
namespace {

struct AuditColumns {
  AuditRecord row;
  long long sequence = 0, time = 0;
  void exchange(soci::statement& s) {
    s.exchange(soci::into(sequence));
    s.exchange(soci::into(time));
    s.exchange(soci::into(row.entry.actor));
    s.exchange(soci::into(row.entry.action));
    s.exchange(soci::into(row.entry.object));
    s.exchange(soci::into(row.entry.address));
    s.exchange(soci::into(row.entry.detail));
    s.exchange(soci::into(row.previous_hash));
    s.exchange(soci::into(row.hash));
  }
  AuditRecord take() {
    row.sequence = sequence;
    row.entry.time.ns = time;
    return row;
  }
};
const std::string kSelectAudit =
    "select sequence, time, actor, action, object, address, detail, previous_hash, hash from audit ";

struct HeadColumns {
  AuditHead row;
  long long sequence = 0;
  void exchange(soci::statement& s) {
    s.exchange(soci::into(sequence));
    s.exchange(soci::into(row.hash));
  }
  AuditHead take() {
    row.sequence = sequence;
    return row;
  }
};
AuditHead head(Connection& connection) {
  auto rows = select<HeadColumns>(connection, "select sequence, hash from audit_head");
  return rows.empty() ? AuditHead{0, audit_genesis()} : rows.front();
}

void make_storable(std::string& text) {
  if (text.size() > kMaxAuditTextBytes) text.resize(kMaxAuditTextBytes);
  std::replace(text.begin(), text.end(), '\0', '?');
}

// Checks one page; false where the chain ends or breaks, which the verdict tells.
void check_page(const std::vector<AuditRecord>& page, AuditHead& at, AuditVerdict& verdict) {
  for (const AuditRecord& record : page) {
    const std::int64_t expected = at.sequence + 1;
    if (record.sequence != expected) {
      verdict.first_broken = expected;
      verdict.reason = "record " + std::to_string(expected) + " is missing";
    } else if (record.previous_hash != at.hash) {
      verdict.first_broken = expected;
      verdict.reason = "record " + std::to_string(expected) + " does not follow the one before it";
    } else if (record.hash != audit_hash(record)) {
      verdict.first_broken = expected;
      verdict.reason = "record " + std::to_string(expected) + " was altered";
    }
    if (!verdict.intact()) return;
    at = {record.sequence, record.hash};
    ++verdict.checked;
  }
}

}  // namespace

core::Result<AuditRecord> Tables::append_audit(AuditEntry entry) {
  if (auto fits = check_text("the detail of an audit record", entry.detail, kMaxJsonBytes); !fits.ok()) return fits.error();
  for (std::string* text : {&entry.actor, &entry.action, &entry.object, &entry.address}) make_storable(*text);
  return guarded([&]() -> core::Result<AuditRecord> {
    const AuditHead before = head(connection_);
    AuditRecord record{before.sequence + 1, std::move(entry), before.hash, {}};
    record.hash = audit_hash(record);
    const AuditEntry& e = record.entry;
    change(connection_,
           "insert into audit (sequence, time, actor, action, object, address, detail, previous_hash, hash) values "
           "(:a, :b, :c, :d, :e, :f, :g, :h, :i)",
           number(record.sequence), number(e.time.ns), e.actor, e.action, e.object, e.address, e.detail,
           record.previous_hash, record.hash);
    change(connection_, "insert or replace into audit_head (only_row, sequence, hash) values (1, :a, :b)",
           number(record.sequence), record.hash);
    return record;
  });
}

core::Result<std::vector<AuditRecord>> Tables::audit(const AuditQuery& query) {
  return guarded([&]() -> core::Result<std::vector<AuditRecord>> {
    const long long before = query.before > 0 ? number(query.before) : number(head(connection_).sequence + 1);
    const long long limit = std::clamp<std::int64_t>(query.limit, 1, kMaxAuditPage);
    const std::string below = query.action + ".", above = query.action + "/";  // '/' follows '.' in ASCII.
    return select<AuditColumns>(connection_,
                                kSelectAudit +
                                    "where sequence < :before and (:actor = '' or actor = :actor2) and (:action = '' or "
                                    "action = :action2 or (action >= :below and action < :above)) "
                                    "order by sequence desc limit :limit",
                                before, query.actor, query.actor, query.action, query.action, below, above, limit);
  });
}

core::Result<AuditVerdict> Ledger::verify_audit() {
  AuditVerdict verdict;
  AuditHead at{0, audit_genesis()};
  bool more = true;
  while (more && verdict.intact()) {
    auto read_page = read([&](Tables& tables) -> core::Result<void> {
      Connection& connection = tables.connection_;
      const auto page = select<AuditColumns>(connection, kSelectAudit + "where sequence > :a order by sequence limit :b",
                                             number(at.sequence), number(kMaxAuditPage));
      check_page(page, at, verdict);
      more = !page.empty();
      if (more || !verdict.intact()) return {};
      verdict.head = head(connection);
      if (verdict.head.sequence != at.sequence) {
        verdict.first_broken = std::min(verdict.head.sequence, at.sequence) + 1;
        verdict.reason =
            "the trail ends at record " + std::to_string(at.sequence) + ", not at " + std::to_string(verdict.head.sequence);
      } else if (verdict.head.hash != at.hash) {
        verdict.first_broken = std::max<std::int64_t>(at.sequence, 1);
        verdict.reason = "the last record is not the one that was last written";
      }
      return {};
    });
    if (!read_page.ok()) return read_page.error();
  }
  return verdict;
}

}  // namespace tocsin::ledger
