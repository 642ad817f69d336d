#include "ledger/self_tests.h"

#include "ledger/connection.h"

namespace tocsin::ledger {
namespace {

struct SelfTestColumns {
  SelfTest row;
  long long id = 0, at = 0, detect = 0;
  void exchange(soci::statement& s) {
    for (std::string* text : {&row.source, &row.kind, &row.token_hash, &row.finding, &row.state, &row.problem}) {
      s.exchange(soci::into(*text));
    }
    for (long long* value : {&id, &at, &detect}) s.exchange(soci::into(*value));
  }
  SelfTest take() {
    row.id = id;
    row.at.ns = at;
    row.detect_ns = detect;
    return row;
  }
};

}  // namespace

Connection& SelfTestTables::connection() { return tables_.connection_; }

core::Result<std::int64_t> SelfTestTables::insert(const SelfTest& test) {
  for (const std::string* text : {&test.source, &test.kind, &test.token_hash}) {
    if (auto fits = check_text("a text of a self-test", *text, kMaxNameBytes); !fits.ok()) return fits.error();
  }
  return guarded([&]() -> core::Result<std::int64_t> {
    change(
        connection(),
        "insert into self_tests (source, kind, token_hash, at, finding, state, detect_ns, problem) values (:a, :b, :c, :d, "
        "'', 'running', 0, '')",
        test.source, test.kind, test.token_hash, number(test.at.ns));
    const std::int64_t id = last_id(connection());
    change(connection(), "delete from self_tests where id <= :a", number(id - kMaxSelfTests));
    return id;
  });
}

core::Result<bool> SelfTestTables::claim(const std::string& token_hash, const std::string& finding) {
  return guarded([&]() -> core::Result<bool> {
    change(connection(), "update self_tests set finding = :a where token_hash = :b and finding = ''", finding, token_hash);
    return count(connection(), "select count(*) from self_tests where token_hash = :a and finding = :b", token_hash,
                 finding) > 0;
  });
}

core::Result<void> SelfTestTables::finish(const SelfTest& test) {
  if (auto fits = check_text("a problem of a self-test", test.problem, kMaxJsonBytes); !fits.ok()) return fits;
  return guarded([&]() -> core::Result<void> {
    change(connection(), "update self_tests set state = :a, detect_ns = :b, problem = :c where id = :d", test.state,
           number(test.detect_ns), test.problem, number(test.id));
    return {};
  });
}

core::Result<void> SelfTestTables::end_running(const std::string& problem) {
  return guarded([&]() -> core::Result<void> {
    change(connection(), "update self_tests set state = 'missed', problem = :a where state = 'running'", problem);
    return {};
  });
}

core::Result<std::vector<SelfTest>> SelfTestTables::newest(std::int64_t limit) {
  return guarded([&]() -> core::Result<std::vector<SelfTest>> {
    return select<SelfTestColumns>(connection(),
                                   "select source, kind, token_hash, finding, state, problem, id, at, detect_ns from "
                                   "self_tests order by id desc limit :a",
                                   number(limit));
  });
}

}  // namespace tocsin::ledger
