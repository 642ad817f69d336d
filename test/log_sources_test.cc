// The log source tables over samples: which source each event is taken for, and what rules see in its fields.
//
// The cases are content/mappings/logsources/*.test.yml:
//   tests:
//   - name: what the case is about
//     format: syslog                      # Else told from the bytes.
//     lines: |                            # As a file holds them; every event is of the same sources.
//       ...
//     count: 2                            # Events; 1 where not given.
//     sources: [linux, linux//sshd]       # Exactly these; product/category/service.
//     fires:                              # A rule of that source which asks for just these values matches every event ...
//     - {source: linux//sshd, user: root}
//     silent:                             # ... and such a rule matches none.
//     - {source: cisco//aaa, message: x}
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "decode/decoder.h"
#include "detect/engine.h"
#include "detect/sigma/yaml_tree.h"
#include "testing/paths.h"

namespace tocsin::detect {
namespace {

namespace fs = std::filesystem;
using sigma::YamlNode;

fs::path table_folder() { return testing::project_root() / "content" / "mappings" / "logsources"; }

std::vector<SourceText> files_ending(const fs::path& folder, std::string_view ending, std::string_view not_ending = "\n") {
  std::vector<SourceText> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name.ends_with(ending) && !name.ends_with(not_ending)) {
      out.push_back({entry.path().string(), testing::read_file(entry.path())});
    }
  }
  std::ranges::sort(out, {}, &SourceText::path);
  return out;
}

const LogSourceMap& tables() {
  static const LogSourceMap map = load_log_sources(files_ending(table_folder(), ".yml", ".test.yml"));
  return map;
}

std::string show(const model::LogSource& source) {
  std::string out = source.product;
  if (!source.category.empty() || !source.service.empty()) out += '/' + source.category;
  if (!source.service.empty()) out += '/' + source.service;
  return out;
}

model::LogSource read_source(std::string_view text) {
  model::LogSource out;
  const std::size_t first = std::min(text.find('/'), text.size());
  out.product = text.substr(0, first);
  text.remove_prefix(std::min(first + 1, text.size()));
  const std::size_t second = std::min(text.find('/'), text.size());
  out.category = text.substr(0, second);
  text.remove_prefix(std::min(second + 1, text.size()));
  out.service = text;
  return out;
}

// The events of a text, and all that they point into.
struct Events {
  model::NameTable names;
  std::string block;
  std::unique_ptr<model::Batch> batch = std::make_unique<model::Batch>(names);
};

std::unique_ptr<Events> decode(std::string_view text, std::string_view format_name) {
  auto out = std::make_unique<Events>();
  const auto format = format_name.empty() ? decode::sniff(text) : *decode::format_from_name(format_name);
  decode::DecodeOptions options;
  options.reference_time = core::Timestamp{1'795'000'000'000'000'000};
  const auto decoder = decode::make_decoder_for(format, text, options);
  // One block: the samples are small. What the decoder leaves open, finish() gives.
  out->block = std::string(text);
  out->block.append(decode::kPaddingBytes, '\0');
  const std::string_view block = std::string_view(out->block).substr(0, text.size());
  EXPECT_EQ(decoder->cut(block, true), block.size());
  decoder->decode(block, *out->batch);
  decoder->finish(*out->batch);
  return out;
}

std::string text_of(const YamlNode* node) { return node == nullptr ? std::string{} : node->text; }

std::string quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

// A rule of the given source that asks for the given values.
std::string rule_text(const YamlNode& wanted) {
  const model::LogSource source = read_source(text_of(wanted.find("source")));
  std::string out = "title: sample\nid: 00000000-0000-4000-8000-000000000001\nstatus: test\nlevel: low\nlogsource:\n";
  if (!source.product.empty()) out += "  product: " + source.product + '\n';
  if (!source.category.empty()) out += "  category: " + source.category + '\n';
  if (!source.service.empty()) out += "  service: " + source.service + '\n';
  out += "detection:\n  selection:\n";
  bool keyword = false;
  for (const auto& [key, value] : wanted.entries) {
    if (key->text == "source") continue;
    keyword = key->text == "keyword";
    if (keyword)
      out += "    - " + quote(value->text) + '\n';
    else
      out += "    " + quote(key->text) + ": " + quote(value->text) + '\n';
  }
  return out + "  condition: selection\n";
}

std::size_t match_count(const std::string& rule, Events& events) {
  LoadOptions options;
  const RuleSet rules = load_rules({{"rule.yml", rule}}, options);
  EXPECT_EQ(rules.rules.size(), 1U) << rule << (rules.diagnostics.empty() ? "" : format_diagnostic(rules.diagnostics[0]));
  const CompiledRules compiled(rules, tables(), {});
  Engine engine(compiled, events.names);
  std::size_t count = 0;
  std::vector<Match> matches;
  for (std::size_t i = 0; i < events.batch->size(); ++i) {
    matches.clear();
    engine.match(events.batch->event(i), matches);
    count += matches.size();
  }
  return count;
}

const RuleSet& no_rules() {
  static const RuleSet rules;
  return rules;
}

std::set<std::string> sources_of(Engine& engine, const model::Event& event) {
  std::set<std::string> out;
  for (const model::LogSource& source : engine.sources(event)) out.insert(show(source));
  return out;
}

void run_case(const YamlNode& node, const std::string& path) {
  SCOPED_TRACE(path + ":" + std::to_string(node.line) + " " + text_of(node.find("name")));
  const auto events = decode(text_of(node.find("lines")), text_of(node.find("format")));
  const YamlNode* count = node.find("count");
  ASSERT_EQ(events->batch->size(), count == nullptr ? 1U : std::stoul(count->text));
  std::set<std::string> expected;
  if (const YamlNode* sources = node.find("sources")) {
    for (const YamlNode* item : sources->items) expected.insert(item->text);
  }
  const CompiledRules compiled(no_rules(), tables(), {});
  Engine engine(compiled, events->names);
  for (std::size_t i = 0; i < events->batch->size(); ++i) {
    EXPECT_EQ(sources_of(engine, events->batch->event(i)), expected) << "event " << i;
  }
  const auto check = [&](const char* key, std::size_t wanted) {
    const YamlNode* list = node.find(key);
    if (list == nullptr) return;
    for (const YamlNode* item : list->items) {
      const std::string rule = rule_text(*item);
      EXPECT_EQ(match_count(rule, *events), wanted) << rule;
    }
  };
  check("fires", events->batch->size());
  check("silent", 0);
}

TEST(LogSources, TablesLoadWithoutAComplaint) {
  for (const sigma::Diagnostic& diagnostic : tables().diagnostics) ADD_FAILURE() << format_diagnostic(diagnostic);
  EXPECT_GT(tables().rows.size(), 300U);
}

TEST(LogSources, SamplesAreTakenForTheirSource) {
  std::size_t case_count = 0;
  for (const SourceText& file : files_ending(table_folder(), ".test.yml")) {
    const sigma::YamlFile yaml = sigma::parse_yaml(file.text);
    for (const sigma::YamlIssue& issue : yaml.issues)
      ADD_FAILURE() << file.path << ':' << issue.line << ": " << issue.message;
    ASSERT_EQ(yaml.documents.size(), 1U) << file.path;
    const YamlNode* tests = yaml.documents[0].root->find("tests");
    ASSERT_NE(tests, nullptr) << file.path;
    for (const YamlNode* node : tests->items) run_case(*node, fs::path(file.path).filename().string());
    case_count += tests->items.size();
  }
  EXPECT_GT(case_count, 60U);
}

// How many events of a file are of each source; "" for those of none.
std::map<std::string, std::size_t> count_sources(const fs::path& path) {
  const auto events = decode(testing::read_file(path), {});
  const CompiledRules compiled(no_rules(), tables(), {});
  Engine engine(compiled, events->names);
  std::map<std::string, std::size_t> out;
  for (std::size_t i = 0; i < events->batch->size(); ++i) {
    const std::set<std::string> sources = sources_of(engine, events->batch->event(i));
    if (sources.empty()) ++out[""];
    for (const std::string& source : sources) ++out[source];
  }
  return out;
}

TEST(LogSources, SharedLogsAreTakenForTheirSource) {
  const fs::path data = testing::shared_data();
  if (data.empty()) GTEST_SKIP() << "the shared data is absent";
  const auto linux_log = count_sources(data / "logs" / "loghub" / "Linux_2k.log");
  EXPECT_EQ(linux_log.at("linux"), 2'000U);
  EXPECT_FALSE(linux_log.contains(""));
  const auto ssh = count_sources(data / "logs" / "loghub" / "OpenSSH_2k.log");
  EXPECT_EQ(ssh.at("linux//sshd"), 2'000U);
  const auto apache = count_sources(data / "logs" / "loghub" / "Apache_2k.log");
  EXPECT_EQ(apache.at("//apache"), 2'000U);
  EXPECT_EQ(apache.size(), 1U);
  for (const auto& entry : fs::directory_iterator(data / "logs" / "zeek")) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".log") continue;
    const auto counts = count_sources(entry.path());
    EXPECT_FALSE(counts.contains("")) << name;
    for (const auto& [source, count] : counts) {
      EXPECT_TRUE(source.starts_with("zeek")) << name << ": " << source;
    }
    for (const char* service :
         {"conn", "dns", "http", "ssl", "x509", "kerberos", "smb_files", "smb_mapping", "dce_rpc", "notice"}) {
      if (!name.ends_with(std::string("_") + service)) continue;
      EXPECT_TRUE(counts.contains(std::string("zeek//") + service)) << name;
    }
  }
}

// Of all public rules, those that match a sample are of a source that the sample is of.
TEST(LogSources, PublicRulesMatchNoSampleOfAnotherSource) {
  const fs::path data = testing::shared_data();
  if (data.empty()) GTEST_SKIP() << "the shared data is absent";
  std::vector<SourceText> texts;
  for (const char* folder : {"rules", "rules-emerging-threats", "rules-threat-hunting"}) {
    for (SourceText& text : files_ending(data / "sigma" / folder, ".yml")) texts.push_back(std::move(text));
  }
  const RuleSet rules = load_rules(texts, {});
  const CompiledRules compiled(rules, tables(), {});
  for (const SourceText& file : files_ending(table_folder(), ".test.yml")) {
    const sigma::YamlFile yaml = sigma::parse_yaml(file.text);
    for (const YamlNode* node : yaml.documents[0].root->find("tests")->items) {
      const auto events = decode(text_of(node->find("lines")), text_of(node->find("format")));
      std::set<std::string> products, categories, services;
      for (const YamlNode* item : node->find("sources")->items) {
        const model::LogSource source = read_source(item->text);
        products.insert(source.product);
        categories.insert(source.category);
        services.insert(source.service);
      }
      Engine engine(compiled, events->names);
      for (std::size_t i = 0; i < events->batch->size(); ++i) {
        std::vector<Match> matches;
        engine.match(events->batch->event(i), matches);
        for (const Match& match : matches) {
          const model::LogSource& wanted = rules.rules[match.rule_index].info.logsource;
          const bool right = (wanted.product.empty() || products.contains(wanted.product)) &&
                             (products.empty() || wanted.category.empty() || categories.contains(wanted.category)) &&
                             (products.empty() || wanted.service.empty() || services.contains(wanted.service));
          EXPECT_TRUE(right) << text_of(node->find("name")) << ": " << rules.rules[match.rule_index].info.title;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tocsin::detect
