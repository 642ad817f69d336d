// Reads content/triage/scoring.yml: every key must be there once, within its range; all else is refused with its place.
#include "triage/parts/score_policy.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "core/yaml.h"
#include "model/attack.h"

namespace tocsin::triage {
namespace {

using core::YamlNode;
using Kind = core::YamlNode::Kind;

constexpr double kMostPoints = 100, kMostPrior = 1'000;
constexpr const char* kLevels[kSeverities] = {"informational", "low", "medium", "high", "critical"};

class Reader {
 public:
  Reader(std::string_view path, ScorePolicy& out) : path_(path), out_(out) { describe_keys(); }

  core::Result<void> read(const YamlNode& root) {
    std::map<std::string, const Take*> keys;
    for (const auto& [name, take] : takes_) keys[name] = &take;
    read_map(root, "", keys);
    for (const auto& [name, take] : keys) {
      if (problem_.empty() && take != nullptr) problem(root, "there is no " + name);
    }
    if (problem_.empty()) check(root);
    if (problem_.empty()) return {};
    return core::Error{core::ErrorCode::kInvalid, problem_};
  }

 private:
  using Take = std::function<void(const YamlNode&, const std::string&)>;

  void points(const std::string& key, double& to, double least = 0, double most = kMostPoints) {
    takes_[key] = [this, &to, least, most](const YamlNode& node, const std::string& name) {
      to = number(node, name, least, most);
    };
  }
  void describe_keys() {
    for (std::size_t i = 0; i < kSeverities; ++i) {
      points(std::string("level.") + kLevels[i], out_.level[i]);
      takes_[std::string("precision.prior.") + kLevels[i]] = [this, i](const YamlNode& node, const std::string& name) {
        const auto pair = numbers(node, name, 2, 0.01, kMostPrior);
        out_.prior[i] = {pair[0], pair[1], 0};
      };
    }
    points("precision.right", out_.right);
    points("precision.wrong", out_.wrong, -kMostPoints, 0);
    points("rarity.min_fleet", out_.min_fleet, 1, 1e6);
    points("rarity.rare_share", out_.rare_share, 1e-6, 1);
    points("rarity.rare", out_.rare);
    points("rarity.common_share", out_.common_share, 1e-6, 1);
    points("rarity.common", out_.common, -kMostPoints, 0);
    takes_["asset.criticality"] = [this](const YamlNode& node, const std::string& name) {
      const auto five = numbers(node, name, 5, -kMostPoints, kMostPoints);
      std::copy(five.begin(), five.end(), out_.criticality.begin());
    };
    points("asset.learned_share", out_.learned_share, 0, 1);
    points("asset.internet_facing", out_.internet_facing);
    points("progress.each", out_.progress_each);
    points("progress.most", out_.progress_most);
    points("progress.late", out_.late);
    takes_["progress.late_tactics"] = [this](const YamlNode& node, const std::string&) { read_tactics(node); };
    points("independent.each", out_.independent_each);
    points("independent.most", out_.independent_most);
    points("rules.each", out_.rules_each);
    points("rules.most", out_.rules_most);
    points("intelligence.most", out_.intelligence_most);
    points("intelligence.known_exploited", out_.known_exploited);
    points("priority.p1", out_.priority[0]);
    points("priority.p2", out_.priority[1]);
    points("priority.p3", out_.priority[2]);
  }

  // What was taken is null in `keys` afterwards. Depth is that of our keys.
  void read_map(const YamlNode& node, const std::string& prefix, std::map<std::string, const Take*>& keys) {
    if (node.kind != Kind::kMap) {
      problem(node, (prefix.empty() ? "the file" : prefix.substr(0, prefix.size() - 1)) + " is " + core::describe(node) +
                        "; expected a map");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      const std::string name = prefix + key->text;
      const auto found = keys.find(name);
      const auto below = keys.lower_bound(name + ".");
      if (found != keys.end() && found->second != nullptr) {
        (*found->second)(*value, name);
        found->second = nullptr;
      } else if (key->is_scalar() && below != keys.end() && below->first.starts_with(name + ".")) {
        read_map(*value, name + ".", keys);
      } else {
        problem(*key, "there is no key " + core::clip(name) + " here" + others(prefix, keys));
      }
    }
  }
  static std::string others(const std::string& prefix, const std::map<std::string, const Take*>& keys) {
    std::string out, last;
    for (const auto& [name, take] : keys) {
      if (!name.starts_with(prefix)) continue;
      const std::string word = name.substr(prefix.size(), name.find('.', prefix.size()) - prefix.size());
      if (word != last) out += (out.empty() ? "; expected one of " : ", ") + word;
      last = word;
    }
    return out;
  }

  double number(const YamlNode& node, const std::string& name, double least, double most) {
    double value = 0;
    const char* end = node.text.data() + node.text.size();
    if (node.kind == Kind::kNumber) {
      const auto [at, error] = std::from_chars(node.text.data(), end, value);
      if (error == std::errc{} && at == end && value >= least && value <= most) return value;
    }
    problem(node, name + " is " + core::describe(node) + "; expected a number from " + shown(least) + " to " + shown(most));
    return least;
  }
  std::vector<double> numbers(const YamlNode& node, const std::string& name, std::size_t count, double least, double most) {
    std::vector<double> out(count, least);
    if (node.kind != Kind::kList || node.items.size() != count) {
      problem(node, name + " is " + core::describe(node) + "; expected a list of " + std::to_string(count) + " numbers");
      return out;
    }
    for (std::size_t i = 0; i < count; ++i) out[i] = number(*node.items[i], name, least, most);
    return out;
  }
  void read_tactics(const YamlNode& node) {
    if (node.kind != Kind::kList) {
      return problem(node, "progress.late_tactics is " + core::describe(node) + "; expected a list of ATT&CK tactics");
    }
    for (const YamlNode* item : node.items) {
      if (model::find_tactic(item->text) == nullptr) {
        return problem(*item,
                       "there is no ATT&CK tactic " + core::describe(*item) + "; expected a name as lateral-movement");
      }
      out_.late_tactics.push_back(item->text);
    }
  }
  void check(const YamlNode& root) {
    if (out_.rare_share >= out_.common_share) problem(root, "rarity.rare_share must be below rarity.common_share");
    if (!(out_.priority[0] > out_.priority[1] && out_.priority[1] > out_.priority[2])) {
      problem(root, "priority must fall from p1 to p3");
    }
  }

  static std::string shown(double value) {
    char text[32];
    const auto [end, error] = std::to_chars(std::begin(text), std::end(text), value);
    return std::string(std::begin(text), error == std::errc{} ? end : std::begin(text));
  }
  void problem(const YamlNode& node, const std::string& text) {
    if (!problem_.empty()) return;
    problem_ = path_ + ":" + std::to_string(node.line) + ":" + std::to_string(node.column) + ": " + text;
  }

  std::string path_;
  ScorePolicy& out_;
  std::map<std::string, Take> takes_;
  std::string problem_;
};

core::Error issue_error(std::string_view path, const core::YamlIssue& issue) {
  return {core::ErrorCode::kInvalid, std::string(path) + ":" + std::to_string(issue.line) + ":" +
                                         std::to_string(issue.column) + ": " + issue.message + "; " + issue.hint};
}

}  // namespace

core::Result<std::shared_ptr<const ScorePolicy>> read_score_policy(std::string_view yaml, std::string_view path) {
  const core::YamlFile file = core::parse_yaml(yaml);
  if (!file.issues.empty()) return issue_error(path, file.issues[0]);
  if (file.documents.size() != 1 || file.documents[0].root == nullptr) {
    return core::Error{core::ErrorCode::kInvalid, std::string(path) + ":1:1: expected one document"};
  }
  if (!file.documents[0].issues.empty()) return issue_error(path, file.documents[0].issues[0]);
  auto policy = std::make_shared<ScorePolicy>();
  TOCSIN_TRY(Reader(path, *policy).read(*file.documents[0].root));
  return std::shared_ptr<const ScorePolicy>(std::move(policy));
}

Precision prior(const ScorePolicy& policy, std::uint8_t severity_id) { return policy.prior[severity_index(severity_id)]; }

}  // namespace tocsin::triage
