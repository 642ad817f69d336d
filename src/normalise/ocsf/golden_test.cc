// Golden samples of the mappings: content/mappings/ocsf/<name>.test.yml beside <name>.yml.
//
// Each case: name, event (native fields), optional format, payload, raw, host (expected), expect (path: value; null where
// the attribute must be absent). All outputs are also checked against the facts of the schema.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "core/time.h"
#include "core/yaml.h"
#include "normalise/ocsf.h"
#include "normalise/ocsf/schema_check.h"
#include "normalise/ocsf/test_event.h"
#include "testing/paths.h"

namespace tocsin::normalise {
namespace {

namespace fs = std::filesystem;
using core::YamlNode;

fs::path folder() { return testing::project_root() / "content/mappings/ocsf"; }

std::vector<fs::path> files_with(std::string_view ending) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().filename().string().ends_with(ending)) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

const Mapper& project_mapper() {
  static const Mapper mapper = [] {
    std::vector<MappingText> texts;
    for (const fs::path& path : files_with(".yml")) {
      if (!path.string().ends_with(".test.yml")) texts.push_back({path.filename().string(), testing::read_file(path)});
    }
    return Mapper(texts);
  }();
  return mapper;
}

model::Format format_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(model::Format::kText); ++i) {
    if (model::to_string(static_cast<model::Format>(i)) == name) return static_cast<model::Format>(i);
  }
  ADD_FAILURE() << "no format " << name;
  return model::Format::kUnknown;
}

model::Payload payload_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(model::Payload::kCisco); ++i) {
    if (model::to_string(static_cast<model::Payload>(i)) == name) return static_cast<model::Payload>(i);
  }
  ADD_FAILURE() << "no payload " << name;
  return model::Payload::kNone;
}

// The value at a dotted path; numbers in it are places in lists, and native names under unmapped may hold dots. As text;
// "<absent>" where there is none.
std::string value_at(const simdjson::dom::element& at, const std::string& path) {
  if (path.empty()) return at.is_string() ? std::string(std::string_view(at)) : simdjson::minify(at);
  for (std::size_t dot = path.find('.');; dot = path.find('.', dot + 1)) {
    const std::string key = path.substr(0, dot);
    const std::string rest = dot == std::string::npos ? "" : path.substr(dot + 1);
    simdjson::dom::element next;
    const bool found = at.is_array() ? !at.at(static_cast<std::size_t>(std::atoi(key.c_str()))).get(next)
                                     : at.is_object() && !at[key].get(next);
    if (found) return value_at(next, rest);
    if (dot == std::string::npos) return "<absent>";
  }
}

struct Case {
  std::string name;
  const YamlNode* event = nullptr;
  const YamlNode* expect = nullptr;
  std::string format = "json", payload = "none", raw, host;
  bool has_host = false;
};

Case read_case(const YamlNode& node) {
  Case out;
  for (const auto& [key, value] : node.entries) {
    if (key->text == "name")
      out.name = value->text;
    else if (key->text == "event")
      out.event = value;
    else if (key->text == "expect")
      out.expect = value;
    else if (key->text == "format")
      out.format = value->text;
    else if (key->text == "payload")
      out.payload = value->text;
    else if (key->text == "raw")
      out.raw = value->text;
    else if (key->text == "host") {
      out.host = value->text;
      out.has_host = true;
    } else
      ADD_FAILURE() << node.line << ": unknown key " << key->text;
  }
  return out;
}

void run_case(const fs::path& file, const YamlNode& node) {
  const Case sample = read_case(node);
  SCOPED_TRACE(file.filename().string() + ":" + std::to_string(node.line) + ": " + sample.name);
  ASSERT_NE(sample.event, nullptr);
  ASSERT_NE(sample.expect, nullptr);
  TestEvent event;
  event.add(*sample.event);
  model::EventSlot& slot = event.end();
  slot.format = format_named(sample.format);
  slot.payload = payload_named(sample.payload);
  slot.raw = sample.raw;
  slot.time = *core::parse_iso_time("2026-11-17T13:02:11.5Z");
  std::string json;
  core::JsonWriter out(json);
  project_mapper().write_event(event.event(), out);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_FALSE(parser.parse(json).get(root)) << json;
  for (const std::string& problem : check_schema(json)) ADD_FAILURE() << problem << "\n" << json;
  for (const auto& [path, value] : sample.expect->entries) {
    const std::string expected = value->kind == YamlNode::Kind::kNull ? "<absent>" : value->text;
    EXPECT_EQ(value_at(root, path->text), expected) << path->text << "\n" << json;
  }
  if (sample.expect->entries.empty()) ADD_FAILURE() << "nothing is expected of\nACTUAL " << json;
  if (sample.has_host) {
    EXPECT_EQ(project_mapper().host(event.event()), sample.host);
  }
}

TEST(OcsfGolden, TheProjectsMappingsLoadWithoutAProblem) {
  for (const MappingProblem& problem : project_mapper().problems()) {
    ADD_FAILURE() << problem.path << ":" << problem.line << ":" << problem.column << ": " << problem.message;
  }
}

TEST(OcsfGolden, EachMappingHasSamples) {
  for (const fs::path& path : files_with(".yml")) {
    if (path.string().ends_with(".test.yml")) continue;
    EXPECT_TRUE(fs::exists(fs::path(path).replace_extension(".test.yml"))) << path;
  }
}

TEST(OcsfGolden, SamplesBecomeWhatTheyShould) {
  for (const fs::path& path : files_with(".test.yml")) {
    const core::YamlFile yaml = core::parse_yaml(testing::read_file(path));
    for (const core::YamlIssue& issue : yaml.issues) ADD_FAILURE() << path << ":" << issue.line << ": " << issue.message;
    for (const core::YamlDocument& document : yaml.documents) {
      for (const core::YamlIssue& issue : document.issues)
        ADD_FAILURE() << path << ":" << issue.line << ": " << issue.message;
      ASSERT_NE(document.root, nullptr);
      for (const YamlNode* node : document.root->items) run_case(path, *node);
    }
  }
}

}  // namespace
}  // namespace tocsin::normalise
