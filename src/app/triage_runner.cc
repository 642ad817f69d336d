#include "app/triage_runner.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "api/incident_json.h"
#include "app/pipeline/row_binary.h"
#include "cli/content.h"
#include "core/log.h"
#include "core/yaml.h"
#include "ledger/incidents.h"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kLook{500};     // Without being woken.
constexpr milliseconds kGather{100};   // Between two rounds: findings come in bursts.
constexpr milliseconds kSweep{3'000};  // Between two looks back.
constexpr milliseconds kMostPatience{10'000};
constexpr milliseconds kLearn{200};  // Between two looks for addresses; and no more than 1 of kLearnShare of the time.
constexpr int kLearnShare = 30;
constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kLookBackNs = 120 * kSecondNs;     // From the last look.
constexpr std::int64_t kFirstLookNs = 3'600 * kSecondNs;  // From the newest finding, after a start.
constexpr std::size_t kSweepIds = 100'000;                // Of one look; the rest comes with the next.
constexpr std::size_t kAskedIds = 500;                    // In one statement.
constexpr std::size_t kMaxRecent = 200'000;
constexpr std::uint64_t kQueryMemory = 160u << 20;
constexpr std::chrono::seconds kQueryTime{15};
constexpr std::string_view kOwnRules = "triage/rules/";
constexpr std::size_t kMaxUserFiles = 1'000;  // Of rules of automatic triage.
constexpr int kNice = 5;                      // Intake goes first.

constexpr store::SqlText::Fixed kColumns(
    "sequence, id, event_time, received_at, detected_at, tenant, site, source, rule_id, rule_title, reason, "
    "toUInt64(severity_id), arrayStringConcat(tactics, ','), arrayStringConcat(techniques, ','), finding");

std::uint64_t hash_of(std::string_view id) { return std::hash<std::string_view>{}(id); }

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool take_finding(std::string_view& in, triage::Finding& out, std::string_view& document) {
  std::uint64_t event = 0, received = 0, detected = 0, severity = 0;
  std::string_view id, tenant, site, source, rule, title, reason, tactics, techniques;
  if (!take_u64(in, out.sequence) || !take_string(in, id) || !take_u64(in, event) || !take_u64(in, received) ||
      !take_u64(in, detected)) {
    return false;
  }
  for (std::string_view* text : {&tenant, &site, &source, &rule, &title, &reason}) {
    if (!take_string(in, *text)) return false;
  }
  if (!take_u64(in, severity)) return false;
  for (std::string_view* text : {&tactics, &techniques, &document}) {
    if (!take_string(in, *text)) return false;
  }
  out.id = id;
  out.event_time.ns = static_cast<std::int64_t>(event);
  out.received_at.ns = static_cast<std::int64_t>(received);
  out.detected_at.ns = static_cast<std::int64_t>(detected);
  out.tenant = tenant;
  out.site = site;
  out.source = source;
  out.rule_id = rule;
  out.rule_title = title;
  out.reason = reason;
  out.severity_id = static_cast<std::uint8_t>(severity);
  out.tactics = words(tactics);
  out.techniques = words(techniques);
  // One that cannot be read has its row all the same: it is an incident of its own.
  triage::read_finding(document, out).ignore("the row says what is needed");
  return true;
}

store::SqlText after(const triage::DeskPosition& position) {
  store::SqlText sql("sequence >= ");
  sql.number(position.sequence) << " AND (sequence, id) > (";
  sql.number(position.sequence) << ", ";
  sql.text(position.ids.empty() ? std::string_view() : std::string_view(position.ids.back())) << ")";
  return sql;
}

// The file of the folder; where it has none, the one built in.
core::Result<std::string> policy_text(const std::string& content_folder, const std::string& path) {
  for (const std::string& folder : {content_folder, std::string()}) {
    const cli::Content content = TOCSIN_TRY(cli::Content::load(folder));
    if (const auto found = content.files().find(path); found != content.files().end()) return found->second;
  }
  return std::string();
}

}  // namespace

core::Result<std::unique_ptr<triage::Desk>> open_desk(ledger::Ledger& ledger, const std::string& content_folder,
                                                      const core::Clock& clock, core::Metrics& metrics,
                                                      std::function<void(const api::LiveEvent&)> publish,
                                                      const TriageConfig& config,
                                                      std::shared_ptr<const triage::SlaPolicy> sla) {
  triage::DeskOptions options;
  const std::string joining = TOCSIN_TRY(policy_text(content_folder, "triage/joining.yml"));
  const std::string scoring = TOCSIN_TRY(policy_text(content_folder, "triage/scoring.yml"));
  options.joining = TOCSIN_TRY(triage::read_join_policy(joining, "triage/joining.yml"));
  options.scoring = TOCSIN_TRY(triage::read_score_policy(scoring, "triage/scoring.yml"));
  options.automatic = TOCSIN_TRY(read_triage_rules(content_folder, config.folder));
  options.automatic_close = config.automatic_close;
  const std::string tasks = config.folder + "/tasks.yml";
  std::error_code status;
  if (!config.folder.empty() && fs::exists(tasks, status)) {
    const auto read = cli::read_text_file(tasks, core::kMaxYamlBytes);
    if (!read.ok()) return read.error();
    options.templates = triage::read_task_templates(*read, tasks);
  } else {
    const std::string own = TOCSIN_TRY(policy_text(content_folder, "triage/tasks.yml"));
    options.templates = triage::read_task_templates(own, "triage/tasks.yml");
  }
  for (const auto* problems : {&options.automatic->problems, &options.templates->problems}) {
    for (const triage::AutoRuleProblem& problem : *problems) core::log(core::LogLevel::kError, "triage", problem.text);
  }
  const auto tell = [publish = std::move(publish), sla = std::move(sla), &clock](const ledger::Incident& incident) {
    publish({api::LiveEvent::Topic::kIncident, incident.tenant, api::incident_json(incident, {sla.get(), clock.now()})});
  };
  return triage::Desk::open(ledger, std::move(options), clock, metrics, tell);
}

core::Result<std::shared_ptr<const triage::SlaPolicy>> load_sla_policy(const std::string& content_folder) {
  const std::string text = TOCSIN_TRY(policy_text(content_folder, "triage/sla.yml"));
  return triage::read_sla_policy(text, "triage/sla.yml");
}

core::Result<std::shared_ptr<const triage::AutoRules>> read_triage_rules(const std::string& content_folder,
                                                                         const std::string& user_folder) {
  std::vector<triage::RuleText> files;
  for (const std::string& folder : {content_folder, std::string()}) {
    const cli::Content content = TOCSIN_TRY(cli::Content::load(folder));
    for (const auto& [path, text] : content.files()) {
      if (path.starts_with(kOwnRules)) files.push_back({path, text});
    }
    if (!files.empty()) break;
  }
  std::vector<triage::AutoRuleProblem> unreadable;
  std::vector<std::string> paths;
  std::error_code status;
  if (!user_folder.empty()) {
    for (fs::directory_iterator at(user_folder + "/rules", status), end; !status && at != end; at.increment(status)) {
      if (at->path().extension() == ".yml" && paths.size() < kMaxUserFiles) paths.push_back(at->path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    auto text = cli::read_text_file(path, core::kMaxYamlBytes);
    if (text.ok()) {
      files.push_back({path, std::move(*text)});
    } else {
      unreadable.push_back({path, path + ": " + text.error().text});
    }
  }
  auto out = triage::read_auto_rules(files);
  if (unreadable.empty()) return out;
  auto all = std::make_shared<triage::AutoRules>(*out);
  all->problems.insert(all->problems.end(), unreadable.begin(), unreadable.end());
  return std::shared_ptr<const triage::AutoRules>(std::move(all));
}

TriageRunner::TriageRunner(store::Store& store, triage::Desk& desk, ledger::Ledger& ledger, const core::Clock& clock,
                           core::Metrics& metrics)
    : store_(store),
      desk_(desk),
      ledger_(ledger),
      clock_(clock),
      late_(metrics.counter("tocsin_triage_late_findings_total", "Findings that came behind the position, found again.")),
      refused_(metrics.counter("tocsin_triage_refused_findings_total", "Findings that the ledger refused: in no incident.")),
      retries_(metrics.counter("tocsin_triage_retries_total", "Pages that failed and were tried again.")),
      addresses_(metrics.counter("tocsin_triage_addresses_learned_total",
                                 "Addresses that events said are their hosts' own, and that were news.")),
      lag_(metrics.gauge("tocsin_triage_lag_seconds",
                         "From a finding's detection to its incident, of the last one taken.")) {}

TriageRunner::~TriageRunner() { stop(); }

void TriageRunner::start() {
  thread_ = std::thread([this] { run(); });
}

void TriageRunner::stop() {
  {
    const core::Lock lock(mutex_);
    stopping_ = true;
    if (query_) store::cancel(*query_);
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void TriageRunner::wake() {
  const core::Lock lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

bool TriageRunner::rest(milliseconds time, bool until_woken) {
  const auto until = std::chrono::steady_clock::now() + time;
  core::Lock lock(mutex_);
  while (!stopping_ && !(until_woken && woken_)) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) break;
    lock.wait_for(changed_, left);
  }
  return !stopping_;
}

void TriageRunner::run() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
  if (const auto ready = desk_.prepare(); !ready.ok()) core::log(core::LogLevel::kError, "triage", ready.error().text);
  auto next_sweep = std::chrono::steady_clock::now(), next_learning = next_sweep;
  milliseconds patience = kLook;
  while (true) {
    {
      const core::Lock lock(mutex_);
      if (stopping_) return;
      woken_ = false;
    }
    auto started = std::chrono::steady_clock::now();
    if (started >= next_learning) {
      // Before findings are joined: a failure costs joins, not findings, and is tried again.
      if (const auto learned = learn_addresses(); !learned.ok()) retries_.add();
      const auto now = std::chrono::steady_clock::now();
      next_learning = now + std::max<std::chrono::steady_clock::duration>(kLearn, kLearnShare * (now - started));
      started = now;
    }
    auto done = round();
    if (done.ok() && !*done && started >= next_sweep) {
      if (const auto swept = sweep(); !swept.ok()) done = swept.error();
      next_sweep = std::chrono::steady_clock::now() + kSweep;
    }
    if (!done.ok()) {
      {
        const core::Lock lock(mutex_);
        if (stopping_) return;
        if (problem_.empty()) core::log(core::LogLevel::kError, "triage", "trying again: " + done.error().text);
        problem_ = done.error().text;
      }
      retries_.add();
      if (!rest(patience, false)) return;
      patience = std::min(patience * 2, kMostPatience);
      continue;
    }
    {
      const core::Lock lock(mutex_);
      problem_.clear();
    }
    patience = kLook;
    // Of a backlog half of the time is left to others.
    const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - started);
    if (*done) {
      if (!rest(std::clamp(took, milliseconds(1), milliseconds(1'000)), false)) return;
    } else if (!rest(kGather, false) || !rest(kLook - kGather, true)) {
      return;
    }
  }
}

core::Result<store::QueryResult> TriageRunner::ask(const std::string& sql, std::size_t rows) {
  store::QueryLimits limits;
  limits.time = kQueryTime;
  limits.memory_bytes = kQueryMemory;
  limits.result_rows = rows + 1;
  auto token = store::make_cancel_token();
  {
    const core::Lock lock(mutex_);
    if (stopping_) return core::Error{core::ErrorCode::kDenied, "triage: stopping"};
    query_ = token;
  }
  auto answer = store_.query(sql, "RowBinary", limits, token);
  const core::Lock lock(mutex_);
  query_.reset();
  return answer;
}

core::Result<std::vector<TriageRunner::Key>> TriageRunner::keys(const store::SqlText& where, std::size_t limit) {
  store::SqlText sql("SELECT sequence, id FROM findings WHERE ");
  sql << where << " ORDER BY sequence, id LIMIT ";
  sql.number(limit);
  const auto answer = TOCSIN_TRY(ask(sql.str(), limit));
  std::vector<Key> out;
  std::string_view rest = answer.body, id;
  Key key;
  while (take_u64(rest, key.sequence) && take_string(rest, id)) {
    key.id = id;
    out.push_back(key);
  }
  return out;
}

core::Result<TriageRunner::Page> TriageRunner::findings(const store::SqlText& where) {
  store::SqlText sql("SELECT ");
  sql << kColumns << " FROM findings WHERE " << where << " ORDER BY sequence, id";
  const auto answer = TOCSIN_TRY(ask(sql.str(), 2 * kTriagePage));
  Page out;
  std::string_view rest = answer.body;
  while (!rest.empty()) {
    Finding finding;
    std::string_view document;
    if (!take_finding(rest, finding, document))
      return core::Error{core::ErrorCode::kIo, "triage: the store's answer is cut off"};
    if (leave_out_ && TOCSIN_TRY(leave_out_(finding.rule_id, finding.id, document))) {
      ++out.left_out;
      remember(finding.id);  // So that no look back asks for it again.
    } else {
      out.findings.push_back(std::move(finding));
    }
  }
  return out;
}

// The first time: what is older than some days stays what it is.
core::Result<void> TriageRunner::begin() {
  if (began_) return {};
  const triage::DeskPosition position = desk_.position();
  if (position.sequence == 0 && position.ids.empty()) {
    const std::int64_t since = clock_.now().ns - std::chrono::nanoseconds(kTriageBegin).count();
    store::SqlText sql("SELECT countIf(detected_at >= ");
    sql.number(since) << "), minIf(sequence, detected_at >= ";
    sql.number(since) << "), max(sequence) FROM findings";
    const auto answer = TOCSIN_TRY(ask(sql.str(), 1));
    std::uint64_t count = 0, least = 0, last = 0;
    std::string_view rest = answer.body;
    if (take_u64(rest, count) && take_u64(rest, least) && take_u64(rest, last)) {
      const std::uint64_t from = count > 0 ? (least > 0 ? least - 1 : 0) : last;
      if (from > 0) TOCSIN_TRY(desk_.take({}, {from, {"~"}}));  // Behind every id.
    }
  }
  began_ = true;
  return {};
}

core::Result<bool> TriageRunner::round() {
  TOCSIN_TRY(begin());
  const triage::DeskPosition position = desk_.position();
  const store::SqlText behind = after(position);
  // Ids first: the documents of a long backlog are not to be sorted. What comes between the two questions and belongs
  // between these ids is in the page too, what does not is found by the next.
  const auto page = TOCSIN_TRY(keys(behind, kTriagePage));
  if (page.empty()) {
    lag_.set(0);
    return false;
  }
  store::SqlText where = behind;
  where << " AND sequence <= ";
  where.number(page.back().sequence) << " AND (sequence, id) <= (";
  where.number(page.back().sequence) << ", ";
  where.text(page.back().id) << ")";
  const Page found = TOCSIN_TRY(findings(where));
  const auto& rows = found.findings;
  if (rows.empty() && found.left_out == 0) return false;
  TOCSIN_TRY(take(rows, {page.back().sequence, {page.back().id}}));
  lag_.set(rows.empty() ? 0 : static_cast<double>(clock_.now().ns - rows.back().detected_at.ns) / 1e9);
  return page.size() == kTriagePage;
}

core::Result<void> TriageRunner::take(const std::vector<Finding>& page, const triage::DeskPosition& position) {
  const auto done = desk_.take(page, position);
  if (!done.ok()) {
    if (done.error().code != core::ErrorCode::kInvalid) return done;
    // One of them is refused: all but it.
    for (const Finding& finding : page) TOCSIN_TRY(take_alone(finding, desk_.position()));
    TOCSIN_TRY(desk_.take({}, position));
  }
  for (const Finding& finding : page) remember(finding.id);
  const core::Lock lock(mutex_);
  taken_ += page.size();
  return {};
}

core::Result<void> TriageRunner::take_alone(const Finding& finding, const triage::DeskPosition& position) {
  auto done = desk_.take({&finding, 1}, position);
  if (done.ok() || done.error().code != core::ErrorCode::kInvalid) return done;
  Finding bare = finding;
  bare.entities.clear();
  bare.relations.clear();
  bare.tactics.clear();
  bare.techniques.clear();
  done = desk_.take({&bare, 1}, position);
  if (done.ok() || done.error().code != core::ErrorCode::kInvalid) return done;
  refused_.add();
  core::log(core::LogLevel::kError, "triage", "finding " + finding.id + " is in no incident: " + done.error().text);
  return {};
}

core::Result<void> TriageRunner::sweep() {
  TOCSIN_TRY(begin());
  const core::Timestamp now = clock_.now();
  const triage::DeskPosition position = desk_.position();
  store::SqlText where("sequence <= ");
  where.number(position.sequence) << " AND detected_at >= ";
  if (swept_.known()) {
    where.number(swept_.ns - kLookBackNs);
  } else {
    where << "(SELECT max(detected_at) FROM findings) - ";
    where.number(kFirstLookNs) << " AND detected_at >= ";
    where.number(now.ns - std::chrono::nanoseconds(kTriageBegin).count());
  }
  std::vector<std::string> missing;
  auto seen = TOCSIN_TRY(keys(where, kSweepIds));
  const bool whole = seen.size() < kSweepIds;
  std::erase_if(seen, [this](const Key& key) { return remembered(key.id); });
  for (std::size_t at = 0; at < seen.size(); at += kAskedIds) {
    // In small pieces: others use the ledger too.
    const std::size_t end = std::min(seen.size(), at + kAskedIds);
    TOCSIN_TRY(ledger_.read([&](ledger::Tables& all) -> core::Result<void> {
      ledger::IncidentTables tables(all);
      for (std::size_t i = at; i < end; ++i) {
        auto there = tables.incident_with(seen[i].id);
        if (!there.ok()) return there.error();
        if (*there) {
          remember(seen[i].id);
        } else {
          missing.push_back(seen[i].id);
        }
      }
      return {};
    }));
  }
  for (std::size_t at = 0; at < missing.size(); at += kAskedIds) {
    const auto first = missing.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = missing.begin() + static_cast<std::ptrdiff_t>(std::min(missing.size(), at + kAskedIds));
    store::SqlText ids("id IN (");
    ids.texts({first, last}) << ")";
    const auto rows = TOCSIN_TRY(findings(ids)).findings;
    late_.add(rows.size());
    if (!rows.empty()) TOCSIN_TRY(take(rows, desk_.position()));
  }
  if (whole) swept_ = now;
  return {};
}

void TriageRunner::remember(std::string_view id) {
  if (recent_.size() >= kMaxRecent) {
    before_ = std::move(recent_);
    recent_.clear();
  }
  recent_.insert(hash_of(id));
}

bool TriageRunner::remembered(std::string_view id) const {
  const std::uint64_t hash = hash_of(id);
  return recent_.contains(hash) || before_.contains(hash);
}

api::PartHealth TriageRunner::health() const {
  const triage::Joiner::Stats stats = desk_.stats();
  const core::Lock lock(mutex_);
  return {"triage",
          problem_.empty(),
          problem_,
          {{"findings_taken", std::to_string(taken_)},
           {"lag_seconds", std::to_string(lag_.value())},
           {"incidents_in_memory", std::to_string(stats.incidents)},
           {"link_keys", std::to_string(stats.keys)}}};
}

}  // namespace tocsin::app
