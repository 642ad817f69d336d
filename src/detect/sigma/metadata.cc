#include "detect/sigma/metadata.h"

#include <algorithm>

#include "core/time.h"
#include "core/unicode.h"

namespace tocsin::detect::sigma {
namespace {

bool is_text(const YamlNode& node) { return node.is_scalar() && (node.kind != YamlNode::Kind::kNull || node.quoted); }

class MetadataParser {
 public:
  MetadataParser(const YamlNode& document, Report& report) : document_(document), report_(report) {}

  model::RuleInfo run() {
    model::RuleInfo info;
    info.path = report_.path();
    info.line = document_.line;
    info.id = core::fold_utf8(text("id", 256));
    const YamlNode* title = document_.find("title");
    info.title = text("title", kMaxTitleBytes);
    report_.name_rule(info.id, info.title);
    if (info.title.empty()) {
      report_.error(place_of(title == nullptr ? document_ : *title), "missing-title", "a rule needs a title",
                    "add 'title: ...'");
    }
    if (!info.id.empty() && !is_uuid(info.id)) {
      report_.warning(place_of(*document_.find("id")), "id-format", "the id '" + clip(info.id) + "' is not a UUID",
                      "use a random UUID, as uuidgen makes them");
    }
    info.name = text("name", 256);
    info.description = text("description", kMaxTextBytes);
    info.author = text("author", kMaxTextBytes);
    info.license = text("license", kMaxTextBytes);
    info.date = date("date");
    info.modified = date("modified");
    level(info);
    status(info);
    info.references = list("references");
    info.falsepositives = list("falsepositives");
    info.tags = list("tags");
    info.fields = list("fields");
    return info;
  }

 private:
  std::string text(std::string_view key, std::size_t max) {
    const YamlNode* node = document_.find(key);
    if (node == nullptr || (node->kind == YamlNode::Kind::kNull && !node->quoted)) return {};
    if (!node->is_scalar()) {
      report_.warning(place_of(*node), "wrong-type", std::string(key) + ": expected text, found " + describe(*node),
                      "it is left out");
      return {};
    }
    if (node->text.size() <= max) return node->text;
    report_.warning(place_of(*node), "too-long", std::string(key) + " is longer than " + std::to_string(max) + " bytes",
                    "it is cut");
    return clip(node->text, max);
  }

  std::string date(std::string_view key) {
    std::string out = text(key, 64);
    if (out.empty()) return out;
    const bool good = out.size() == 10 && out[4] == '-' && out[7] == '-' && core::parse_iso_time(out).has_value();
    if (!good) {
      report_.warning(place_of(*document_.find(key)), "date-format",
                      std::string(key) + ": '" + clip(out) + "' is not a date", "write it as YYYY-MM-DD");
    }
    return out;
  }

  void level(model::RuleInfo& info) {
    const std::string word = text("level", 64);
    if (word.empty()) return;
    const auto level = model::level_from_string(word);
    if (level) {
      info.level = *level;
      info.level_given = true;
      return;
    }
    std::string hint = did_you_mean(word, {"informational", "low", "medium", "high", "critical"});
    if (hint.empty()) hint = "use informational, low, medium, high or critical";
    report_.warning(place_of(*document_.find("level")), "level-value",
                    "there is no level '" + clip(word) + "'; the rule counts as medium", std::move(hint));
  }

  void status(model::RuleInfo& info) {
    static const std::vector<std::string_view> kStatus{"stable", "test", "experimental", "deprecated", "unsupported"};
    info.status = core::fold_utf8(text("status", 64));
    if (info.status.empty() || std::find(kStatus.begin(), kStatus.end(), info.status) != kStatus.end()) return;
    std::string hint = did_you_mean(info.status, kStatus);
    if (hint.empty()) hint = "use stable, test, experimental, deprecated or unsupported";
    report_.warning(place_of(*document_.find("status")), "status-value", "there is no status '" + clip(info.status) + "'",
                    std::move(hint));
    info.status.clear();
  }

  std::vector<std::string> list(std::string_view key) {
    std::vector<std::string> out;
    const YamlNode* node = document_.find(key);
    if (node == nullptr || (node->kind == YamlNode::Kind::kNull && !node->quoted)) return out;
    if (node->is_scalar()) {
      out.push_back(node->text);
      return out;
    }
    if (node->kind == YamlNode::Kind::kMap) {
      report_.warning(place_of(*node), "wrong-type", std::string(key) + ": expected a list of texts, found a map",
                      "it is left out");
      return out;
    }
    for (const YamlNode* item : node->items) {
      if (is_text(*item)) {
        out.push_back(item->text);
      } else {
        report_.warning(place_of(*item), "wrong-type", std::string(key) + ": expected text, found " + describe(*item),
                        "it is left out");
      }
    }
    return out;
  }

  const YamlNode& document_;
  Report& report_;
};

}  // namespace

model::RuleInfo parse_metadata(const YamlNode& document, Report& report) { return MetadataParser(document, report).run(); }

model::LogSource parse_logsource(const YamlNode& document, Report& report) {
  model::LogSource out;
  const YamlNode* node = document.find("logsource");
  if (node == nullptr) {
    report.error(place_of(document), "missing-logsource", "a rule needs a logsource",
                 "add 'logsource:' with product, category or service");
    return out;
  }
  if (node->kind != YamlNode::Kind::kMap) {
    report.error(place_of(*node), "wrong-type", "logsource: expected a map, found " + describe(*node),
                 "write product, category or service below it");
    return out;
  }
  for (const auto& [key, value] : node->entries) {
    std::string* target = key->text == "product"    ? &out.product
                          : key->text == "category" ? &out.category
                          : key->text == "service"  ? &out.service
                                                    : nullptr;
    if (target != nullptr && !(value->kind == YamlNode::Kind::kNull && !value->quoted)) {
      *target = core::fold_utf8(text_of(*value, key->text, report));
    }
  }
  if (out == model::LogSource{} && !report.failed()) {
    report.error(place_of(*node), "missing-logsource", "the logsource names no product, category or service",
                 "add one of them");
  }
  return out;
}

std::string text_of(const YamlNode& node, std::string_view what, Report& report) {
  if (is_text(node) && node.text.size() <= kMaxTextBytes) return node.text;
  report.error(place_of(node), "wrong-type", std::string(what) + ": expected text, found " + describe(node),
               "write one text value");
  return {};
}

std::vector<const YamlNode*> text_or_list(const YamlNode& node, std::string_view what, Report& report) {
  std::vector<const YamlNode*> out;
  if (is_text(node)) {
    out.push_back(&node);
  } else if (node.kind == YamlNode::Kind::kList) {
    for (const YamlNode* item : node.items) {
      if (is_text(*item))
        out.push_back(item);
      else
        report.error(place_of(*item), "wrong-type", std::string(what) + ": expected text, found " + describe(*item),
                     "write one text value");
    }
  } else if (node.kind != YamlNode::Kind::kNull) {
    report.error(place_of(node), "wrong-type", std::string(what) + ": expected text or a list, found " + describe(node),
                 "write one value or a list");
  }
  return out;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

}  // namespace tocsin::detect::sigma
