#include "cli/rules/rule_lists.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include "core/json_writer.h"
#include "core/unicode.h"
#include "source/problem.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kMaxRowsShown = 25;  // Of one list of the statistics.

bool has_tag(const model::RuleInfo& info, const std::string& wanted) {
  return std::any_of(info.tags.begin(), info.tags.end(), [&](const std::string& tag) {
    const std::string folded = core::fold_utf8(tag);
    if (!folded.starts_with(wanted)) return false;
    return folded.size() == wanted.size() || folded[wanted.size()] == '.' || wanted.ends_with('.');
  });
}

bool is_of(const model::LogSource& source, const model::LogSource& wanted) {
  return (wanted.product.empty() || wanted.product == source.product) &&
         (wanted.category.empty() || wanted.category == source.category) &&
         (wanted.service.empty() || wanted.service == source.service);
}

template <class Give>
void for_each_info(const detect::RuleSet& rules, const ListFilter& filter, const Give& give) {
  for (const auto& rule : rules.rules) {
    if (passes(rule.info, filter)) give(rule.info);
  }
  for (const auto& correlation : rules.correlations) {
    if (passes(correlation.info, filter)) give(correlation.info);
  }
}

std::string shown_source(const model::RuleInfo& info) {
  if (info.type != "rule") return info.type;
  std::string out;
  for (const std::string* part : {&info.logsource.product, &info.logsource.category, &info.logsource.service}) {
    if (!part->empty()) out += (out.empty() ? "" : "/") + *part;
  }
  return out;
}

void write_padded(std::ostream& out, std::string_view text, std::size_t width) {
  out << text;
  for (std::size_t i = text.size(); i < width; ++i) out << ' ';
}

void write_texts(core::JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.key(key).begin_array();
  for (const std::string& text : texts) json.text(text);
  json.end_array();
}

using Tally = std::map<std::string, std::uint64_t>;

void write_tally(const char* title, const Tally& tally, std::ostream& out) {
  std::vector<std::pair<std::string, std::uint64_t>> rows(tally.begin(), tally.end());
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (rows.empty()) return;
  out << '\n' << title << '\n';
  for (std::size_t i = 0; i < std::min(rows.size(), kMaxRowsShown); ++i) {
    const std::string count = std::to_string(rows[i].second);
    for (std::size_t pad = count.size(); pad < 8; ++pad) out << ' ';
    out << count << "  " << source::display_name(rows[i].first) << '\n';
  }
  if (rows.size() > kMaxRowsShown) out << "          and " << rows.size() - kMaxRowsShown << " more\n";
}

std::string or_none(const std::string& text) { return text.empty() ? "(none)" : text; }

}  // namespace

bool passes(const model::RuleInfo& info, const ListFilter& filter) {
  const auto any = [](const auto& list, const auto& test) {
    return list.empty() || std::any_of(list.begin(), list.end(), test);
  };
  return any(filter.levels, [&](model::Level level) { return level == info.level; }) &&
         any(filter.statuses,
             [&](const std::string& status) { return core::fold_utf8(status) == core::fold_utf8(info.status); }) &&
         any(filter.tags, [&](const std::string& tag) { return has_tag(info, core::fold_utf8(tag)); }) &&
         any(filter.log_sources, [&](const model::LogSource& source) { return is_of(info.logsource, source); });
}

void write_rule_table(const detect::RuleSet& rules, const ListFilter& filter, std::ostream& out) {
  std::size_t source_width = 10;
  std::uint64_t count = 0;
  for_each_info(rules, filter, [&](const model::RuleInfo& info) {
    source_width = std::max(source_width, shown_source(info).size());
    ++count;
  });
  source_width = std::min<std::size_t>(source_width, 40);
  const auto row = [&](std::string_view level, std::string_view status, std::string_view source, std::string_view id,
                       std::string_view title) {
    write_padded(out, level, 15);
    write_padded(out, status, 14);
    write_padded(out, source, source_width + 2);
    write_padded(out, id, 38);
    out << title << '\n';
  };
  if (count > 0) row("LEVEL", "STATUS", "LOGSOURCE", "ID", "TITLE");
  for_each_info(rules, filter, [&](const model::RuleInfo& info) {
    row(info.level_given ? model::to_string(info.level) : "-", info.status.empty() ? "-" : info.status, shown_source(info),
        info.id.empty() ? "-" : info.id, source::display_name(info.title));
  });
  out << count << " rules\n";
}

void write_rule_lines(const detect::RuleSet& rules, const ListFilter& filter, std::ostream& out) {
  std::string line;
  for_each_info(rules, filter, [&](const model::RuleInfo& info) {
    line.clear();
    core::JsonWriter json(line);
    json.begin_object()
        .member_if("id", info.id)
        .member_if("name", info.name)
        .member("title", info.title)
        .member("type", info.type);
    if (info.level_given) json.member("level", model::to_string(info.level));
    json.member_if("status", info.status).member_if("description", info.description).member_if("author", info.author);
    json.member_if("date", info.date).member_if("modified", info.modified).member_if("license", info.license);
    if (info.type == "rule") {
      json.key("logsource").begin_object();
      json.member_if("product", info.logsource.product)
          .member_if("category", info.logsource.category)
          .member_if("service", info.logsource.service);
      json.end_object();
    }
    write_texts(json, "tags", info.tags);
    write_texts(json, "references", info.references);
    write_texts(json, "falsepositives", info.falsepositives);
    json.member("path", info.path).key("line").number(info.line).end_object();
    out << line << '\n';
  });
}

void write_rule_stats(const detect::RuleSet& rules, std::ostream& out) {
  Tally levels, statuses, products, categories, services, types, tactics, operators, fields;
  std::uint64_t with_technique = 0;
  const auto add_info = [&](const model::RuleInfo& info) {
    ++levels[info.level_given ? std::string(model::to_string(info.level)) : "(none)"];
    ++statuses[or_none(info.status)];
    bool technique = false;
    for (const std::string& tag : info.tags) {
      if (!tag.starts_with("attack.")) continue;
      const std::string rest = tag.substr(7);
      const bool is_id = rest.size() > 4 && rest.find_first_of("0123456789") != std::string::npos;
      technique |= is_id && rest.starts_with('t');
      if (!is_id) ++tactics[rest];
    }
    with_technique += technique ? 1 : 0;
  };
  for (const auto& rule : rules.rules) {
    add_info(rule.info);
    ++products[or_none(rule.info.logsource.product)];
    ++categories[or_none(rule.info.logsource.category)];
    ++services[or_none(rule.info.logsource.service)];
    std::set<std::string> rule_operators, rule_fields;
    for (const auto& leaf : rule.leaves) {
      rule_operators.insert(leaf.shown_op);
      if (!leaf.keyword) rule_fields.insert(leaf.shown_field);
    }
    for (const std::string& name : rule_operators) ++operators[name];
    for (const std::string& name : rule_fields) ++fields[name];
  }
  for (const auto& correlation : rules.correlations) {
    add_info(correlation.info);
    ++types[correlation.info.type];
  }
  out << rules.rules.size() << " rules, " << rules.correlations.size() << " correlations, " << rules.filter_count
      << " filters, " << rules.refused_count << " refused; " << with_technique << " name an ATT&CK technique\n";
  write_tally("By level", levels, out);
  write_tally("By status", statuses, out);
  write_tally("By product", products, out);
  write_tally("By category", categories, out);
  write_tally("By service", services, out);
  write_tally("By tactic", tactics, out);
  write_tally("Correlations by type", types, out);
  write_tally("Rules by operator and modifiers", operators, out);
  write_tally("Rules by field", fields, out);
}

}  // namespace tocsin::cli
