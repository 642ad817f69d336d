#include "app/rule_manager.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "app/pipeline/rule_tester.h"
#include "cli/content.h"
#include "core/log.h"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRuleNameBytes = 120;

bool is_file_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxRuleNameBytes || name.front() == '.') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

// Of "x.test.yml" files with at least one event that must be found: the paths of their rules.
std::set<std::string> tested_rules(const std::map<std::string, std::string>& files) {
  constexpr std::string_view kEnding = ".test.yml", kExpect = "expect: ";
  std::set<std::string> out;
  for (const auto& [path, text] : files) {
    if (!path.starts_with("rules/") || !path.ends_with(kEnding)) continue;
    for (std::size_t at = text.find(kExpect); at != std::string::npos; at = text.find(kExpect, at + 1)) {
      const std::size_t digit = at + kExpect.size();
      if (digit >= text.size() || text[digit] < '1' || text[digit] > '9') continue;
      out.insert(path.substr(0, path.size() - kEnding.size()) + ".yml");
      break;
    }
  }
  return out;
}

std::string first_error(const detect::RuleSet& set) {
  for (const detect::sigma::Diagnostic& diagnostic : set.diagnostics) {
    if (diagnostic.severity == detect::sigma::Diagnostic::Severity::kError) return detect::format_diagnostic(diagnostic);
  }
  return {};
}

// Written aside and renamed, so that no half rule is ever read.
core::Result<void> write_file(const fs::path& path, std::string_view text) {
  const fs::path aside = path.string() + ".new";
  std::ofstream out(aside, std::ios::binary | std::ios::trunc);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  std::error_code status;
  if (out) fs::rename(aside, path, status);
  if (!out || status)
    return core::Error{core::ErrorCode::kIo, "cannot write " + path.string() + ": check the disk and who may write there"};
  return {};
}

}  // namespace

core::Result<std::unique_ptr<RuleManager>> RuleManager::open(const RulesConfig& config, const std::string& content_folder,
                                                             ledger::Ledger& ledger, const core::Clock& clock) {
  std::unique_ptr<RuleManager> out(new RuleManager(config, ledger, clock));
  const cli::Content content = TOCSIN_TRY(cli::Content::load(content_folder));
  out->content_.log_sources = detect::load_log_sources(content.log_sources());
  if (!out->content_.log_sources.diagnostics.empty())
    return core::Error{core::ErrorCode::kInvalid, detect::format_diagnostic(out->content_.log_sources.diagnostics[0])};
  out->content_.mapper = std::make_unique<normalise::Mapper>(content.ocsf_mappings());
  if (!out->content_.mapper->problems().empty()) {
    const normalise::MappingProblem& problem = out->content_.mapper->problems()[0];
    return core::Error{core::ErrorCode::kInvalid,
                       problem.path + ":" + std::to_string(problem.line) + ": " + problem.message};
  }
  const core::Lock change(out->change_mutex_);
  if (config.builtin) out->sources_.content = content.rules();
  for (const auto& [path, text] : config.own) out->sources_.content.push_back({path, text});
  out->tested_ = tested_rules(content.files());
  out->sources_.variables = config.variables;
  TOCSIN_TRY(out->read_folders());
  TOCSIN_TRY(out->build());
  return out;
}

core::Result<void> RuleManager::read_folders() NO_THREAD_CHECK {
  std::vector<detect::SourceText> user, packages;
  for (std::size_t i = 0; i < config_.folders.size(); ++i) {
    std::error_code status;
    if (i == 0) fs::create_directories(config_.folders[i], status);
    auto texts = TOCSIN_TRY(cli::read_rule_files({config_.folders[i]}));
    auto& place = i == 0 ? user : packages;
    std::move(texts.begin(), texts.end(), std::back_inserter(place));
  }
  sources_.user = std::move(user);
  sources_.packages = std::move(packages);
  return {};
}

core::Result<void> RuleManager::build() NO_THREAD_CHECK {
  std::vector<ledger::RuleState> states;
  const auto read = ledger_.read([&](ledger::Tables& tables) -> core::Result<void> {
    states = TOCSIN_TRY(tables.rule_states());
    return {};
  });
  if (!read.ok()) return read.error();
  auto made = make_detection(sources_, states, content_, counts_, ++number_, suppressions_);
  std::map<std::string, std::string> texts;
  for (const auto* list : {&sources_.content, &sources_.user, &sources_.packages}) {
    for (const detect::SourceText& text : *list) texts.emplace(text.path, text.text);
  }
  std::vector<std::function<void(std::shared_ptr<const Detection>)>> takers;
  {
    const core::Lock lock(mutex_);
    detection_ = made;
    texts_ = std::move(texts);
    takers = takers_;
  }
  for (const auto& take : takers) take(made);
  return {};
}

std::shared_ptr<const Detection> RuleManager::detection() const {
  const core::Lock lock(mutex_);
  return detection_;
}

void RuleManager::on_change(std::function<void(std::shared_ptr<const Detection>)> take) {
  std::shared_ptr<const Detection> now;
  {
    const core::Lock lock(mutex_);
    takers_.push_back(take);
    now = detection_;
  }
  take(now);
}

core::Result<api::Platform::Reload> RuleManager::reload() {
  const core::Lock change(change_mutex_);
  const auto begin = clock_.steady_now();
  TOCSIN_TRY(read_folders());
  TOCSIN_TRY(build());
  api::Platform::Reload out;
  const auto now = detection();
  out.loaded = now->live.size();
  out.refused = now->rules->refused_count;
  out.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now() - begin);
  core::log(core::LogLevel::kDebug, "rules",
            std::to_string(out.loaded) + " loaded, " + std::to_string(out.refused) + " refused, in " +
                std::to_string(out.took.count()) + " ms");
  return out;
}

core::Result<void> RuleManager::set_mode(const std::vector<std::string>& ids, ledger::RuleMode mode, std::string_view by) {
  const core::Lock change(change_mutex_);
  const auto now = detection();
  for (const std::string& id : ids) {
    if (now->by_id.count(id) == 0) return core::Error{core::ErrorCode::kNotFound, "no rule '" + id + "' is loaded"};
  }
  const auto written = ledger_.write([&](ledger::Tables& tables) -> core::Result<void> {
    for (const std::string& id : ids) TOCSIN_TRY(tables.set_rule_state({id, mode, std::string(by), clock_.now()}));
    return {};
  });
  if (!written.ok()) return written.error();
  return build();
}

core::Result<std::string> RuleManager::save(std::string_view name, std::string_view text) {
  if (config_.folders.empty())
    return core::Error{core::ErrorCode::kDenied, "no folder for rules is configured: set rules.folders in tocsin.yaml"};
  std::string file(name);
  if (!file.ends_with(".yml")) file += ".yml";
  if (!is_file_name(file)) {
    return core::Error{
        core::ErrorCode::kInvalid,
        "'" + std::string(name) + "' is no name of a rule file: letters, digits, . _ - and at most 120 characters"};
  }
  const detect::RuleSet tried = detect::load_rules({{file, std::string(text)}}, {});
  if (const std::string error = first_error(tried); !error.empty()) return core::Error{core::ErrorCode::kInvalid, error};
  if (tried.rules.size() + tried.correlations.size() != 1)
    return core::Error{core::ErrorCode::kInvalid,
                       "expected one rule, there are " + std::to_string(tried.rules.size() + tried.correlations.size())};
  const core::Lock change(change_mutex_);
  const fs::path path = fs::path(config_.folders[0]) / file;
  TOCSIN_TRY(write_file(path, text));
  TOCSIN_TRY(read_folders());
  TOCSIN_TRY(build());
  const auto now = detection();
  for (std::size_t i = 0; i < now->live.size(); ++i) {
    if (now->info(i).path == path.string()) return now->live[i].id;
  }
  return core::Error{core::ErrorCode::kInvalid, "the rule was saved but not loaded: see the refused rules"};
}

core::Result<void> RuleManager::remove(std::string_view id) {
  const core::Lock change(change_mutex_);
  const auto now = detection();
  const auto found = now->by_id.find(std::string(id));
  if (found == now->by_id.end())
    return core::Error{core::ErrorCode::kNotFound, "no rule '" + std::string(id) + "' is loaded"};
  if (now->live[found->second].origin != "user")
    return core::Error{core::ErrorCode::kDenied,
                       "only rules of your own folder can be removed; switch this one off instead"};
  std::error_code status;
  if (!fs::remove(now->info(found->second).path, status))
    return core::Error{core::ErrorCode::kIo, "cannot remove " + now->info(found->second).path + ": " + status.message()};
  TOCSIN_TRY(read_folders());
  return build();
}

core::Result<void> RuleManager::set_suppressions(SuppressionMaker suppressions) {
  const core::Lock change(change_mutex_);
  suppressions_ = std::move(suppressions);
  return build();
}

api::RuleStatus RuleManager::status(const Detection& detection, std::size_t index) const {
  const model::RuleInfo& info = detection.info(index);
  const LiveRule& live = detection.live[index];
  api::RuleStatus out;
  out.id = live.id;
  out.title = info.title;
  out.kind = index < detection.rules->rules.size() ? "rule" : "correlation";
  out.level = model::to_string(info.level);
  out.status = info.status;
  out.path = info.path;
  out.origin = live.origin;
  out.has_test = out.origin == "content" && tested_.contains(info.path);
  out.mode = live.mode;
  out.product = info.logsource.product;
  out.category = info.logsource.category;
  out.service = info.logsource.service;
  out.tactics = live.tactics;
  out.techniques = live.techniques;
  out.tags = info.tags;
  out.hits = live.count->hits.load();
  out.last_hit.ns = live.count->last_hit_ns.load();
  out.cost_samples = live.count->cost_samples.load();
  if (out.cost_samples > 0)
    out.cost_ns = static_cast<double>(live.count->cost_ns.load()) / static_cast<double>(out.cost_samples);
  out.changed_by = live.changed_by;
  out.changed_at = live.changed_at;
  return out;
}

std::vector<api::RuleStatus> RuleManager::rules(const SourceBoard& board) const {
  const auto now = detection();
  std::vector<api::RuleStatus> out;
  out.reserve(now->live.size());
  std::map<std::string, std::string> blind;  // By log source.
  for (std::size_t i = 0; i < now->rules->rules.size(); ++i) {
    api::RuleStatus status = this->status(*now, i);
    const model::LogSource& wanted = now->info(i).logsource;
    const auto [place, fresh] = blind.try_emplace(wanted.product + "/" + wanted.category + "/" + wanted.service);
    if (fresh) place->second = board.blind(wanted);
    status.blind = place->second;
    out.push_back(std::move(status));
  }
  for (const detect::sigma::CorrelationRule& rule : now->rules->correlations) {
    api::RuleStatus status = this->status(*now, out.size());
    // One that it needs is enough to blind it, but for those that take any of several.
    for (const std::uint32_t index : rule.rules) {
      if (index < out.size() && !out[index].blind.empty())
        status.blind = "'" + out[index].title + "' is blind: " + out[index].blind;
      if (index < out.size() && out[index].mode == ledger::RuleMode::kOff)
        status.blind = "'" + out[index].title + "' is off";
    }
    out.push_back(std::move(status));
  }
  return out;
}

std::optional<api::RuleDetail> RuleManager::rule(std::string_view id, const SourceBoard& board) const {
  const auto now = detection();
  const auto found = now->by_id.find(std::string(id));
  if (found == now->by_id.end()) return {};
  api::RuleDetail out;
  out.status = status(*now, found->second);
  const model::RuleInfo& info = now->info(found->second);
  if (found->second < now->rules->rules.size()) out.status.blind = board.blind(info.logsource);
  out.description = info.description;
  out.author = info.author;
  out.date = info.date;
  out.references = info.references;
  out.false_positives = info.falsepositives;
  const core::Lock lock(mutex_);
  if (const auto text = texts_.find(info.path); text != texts_.end()) out.text = text->second;
  return out;
}

std::vector<api::RefusedRule> RuleManager::refused() const {
  const auto now = detection();
  std::vector<api::RefusedRule> out;
  for (const detect::sigma::Diagnostic& diagnostic : now->rules->diagnostics) {
    if (diagnostic.severity != detect::sigma::Diagnostic::Severity::kError) continue;
    out.push_back({diagnostic.path, diagnostic.message, diagnostic.hint, diagnostic.code, diagnostic.rule_title,
                   diagnostic.line, diagnostic.column});
  }
  return out;
}

core::Result<api::RuleTestResult> RuleManager::test(const api::RuleTestRequest& request, store::Store& store) const {
  std::string text = request.text;
  std::vector<detect::SourceText> files;
  const auto now = detection();
  if (text.empty()) {
    const auto found = now->by_id.find(request.id);
    if (found == now->by_id.end()) return core::Error{core::ErrorCode::kNotFound, "no rule '" + request.id + "' is loaded"};
    const core::Lock lock(mutex_);
    const std::string& path = now->info(found->second).path;
    if (const auto file = texts_.find(path); file != texts_.end()) files.push_back({path, file->second});
  } else {
    files.push_back({"rule.yml", text});
  }
  return test_rule(request, files, config_.variables, content_, store);
}

}  // namespace tocsin::app
