#include "app/suppression/filter.h"

#include <gtest/gtest.h>

#include "app/formats.h"
#include "app/suppression/draft.h"
#include "cli/content.h"
#include "decode/windows_names.h"

namespace tocsin::app {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
constexpr const char* kRule = R"(title: Whoami
id: 11111111-1111-4111-8111-111111111111
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: whoami}
  condition: selection
)";

// One rule, and events that it matches.
class FilterTest : public ::testing::Test {
 protected:
  FilterTest()
      : content_(std::move(cli::Content::load("")).value()),
        sources_(detect::load_log_sources(content_.log_sources())),
        set_(load()),
        compiled_(set_, sources_, {}),
        engine_(compiled_, names_),
        batch_(names_) {}
  static detect::RuleSet load() {
    detect::LoadOptions options;
    options.canonical_name = [](std::string_view name) { return decode::canonical_name(name); };
    return detect::load_rules({{"rule.yml", kRule}}, options);
  }
  FilteredRule rule() const { return {kId, set_.rules[0].info}; }

  // Calls `work` with the event and its match.
  template <class Work>
  void with_event(const std::string& data, Work work) {
    model::Delivery delivery;
    delivery.format = model::Format::kJson;
    delivery.bytes = R"({"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","provider_name":)"
                     R"("Microsoft-Windows-Sysmon","event_id":"1","computer_name":"ws1","event_data":{)" +
                     data + "}}}\n";
    batch_.clear();
    ASSERT_TRUE(decoder_.decode(delivery, batch_));
    ASSERT_EQ(batch_.size(), 1u);
    const model::Event event = batch_.event(0);
    std::vector<detect::Match> matches;
    engine_.match(event, matches);
    ASSERT_EQ(matches.size(), 1u);
    work(event, matches[0]);
  }
  bool silences(const std::string& yaml, const std::string& data) {
    const auto filter = SuppressionFilter::read(yaml, rule());
    EXPECT_TRUE(filter.ok()) << (filter.ok() ? "" : filter.error().text) << "\n" << yaml;
    bool out = false;
    if (filter.ok()) {
      with_event(data, [&](const model::Event& event, const detect::Match& match) {
        out = filter->silences(engine_, event, match, evaluator_);
      });
    }
    return out;
  }
  bool fields_silence(const std::vector<FilterField>& fields, const std::string& data) {
    const auto yaml = write_filter(rule(), "It's a case", "ana", fields);
    EXPECT_TRUE(yaml.ok()) << (yaml.ok() ? "" : yaml.error().text);
    return yaml.ok() && silences(*yaml, data);
  }
  std::string refusal(const std::string& yaml) {
    const auto filter = SuppressionFilter::read(yaml, rule());
    return filter.ok() ? "" : filter.error().text;
  }
  static std::string filter_of(const std::string& detection, const std::string& rules = kId) {
    return "title: A case\nlogsource: {product: windows}\nfilter:\n  rules: [" + rules + "]\n" + detection;
  }

  cli::Content content_;
  detect::LogSourceMap sources_;
  detect::RuleSet set_;
  model::NameTable names_;
  detect::CompiledRules compiled_;
  detect::Engine engine_;
  model::Batch batch_;
  DeliveryDecoder decoder_;
  detect::PlainEvaluator evaluator_;
};

constexpr const char* kEvent =
    R"("CommandLine":"whoami /all","Image":"C:\\Tools\\a*b?.exe","ParentImage":"C:\\svc.exe","User":"NT\\bob")";

TEST_F(FilterTest, FieldsBecomeAFilterThatSilencesTheirCaseAndNoOther) {
  EXPECT_TRUE(fields_silence({{"Image", "equals", R"(C:\Tools\a*b?.exe)"}, {"User", "equals", R"(nt\BOB)"}}, kEvent));
  EXPECT_FALSE(fields_silence({{"Image", "equals", R"(C:\Tools\a*b?.exe)"}, {"User", "equals", "eve"}}, kEvent));
  EXPECT_TRUE(fields_silence({{"User", "equals", "eve"}, {"User", "equals", R"(NT\bob)"}}, kEvent));  // Alternatives.
  EXPECT_TRUE(fields_silence({{"CommandLine", "endswith", "/ALL"}}, kEvent));
  EXPECT_TRUE(fields_silence({{"CommandLine", "startswith", "whoami"}}, kEvent));
  EXPECT_TRUE(fields_silence({{"CommandLine", "contains", "i /a"}}, kEvent));
  EXPECT_TRUE(fields_silence({{"CommandLine", "re", "^whoami +/[a-z]+$"}}, kEvent));
  EXPECT_FALSE(fields_silence({{"Nowhere", "equals", "x"}}, kEvent));
  EXPECT_TRUE(
      fields_silence({{"DestinationIp", "cidr", "10.0.0.0/8"}}, R"("CommandLine":"whoami","DestinationIp":"10.1.2.3")"));
}

TEST_F(FilterTest, WildcardsOfValuesStandForThemselves) {
  EXPECT_FALSE(fields_silence({{"Image", "equals", R"(C:\Tools\*)"}}, kEvent));
  EXPECT_FALSE(fields_silence({{"Image", "contains", "a?b"}}, R"("CommandLine":"whoami","Image":"axb")"));
  EXPECT_TRUE(
      fields_silence({{"Image", "equals", R"(\\srv\c$\x.exe)"}}, R"("CommandLine":"whoami","Image":"\\\\srv\\c$\\x.exe")"));
  EXPECT_TRUE(fields_silence({{"Image", "equals", "a\tb"}}, R"("CommandLine":"whoami","Image":"a\tb")"));
}

TEST_F(FilterTest, AFilterByHandMayUseAllOfSigma) {
  EXPECT_TRUE(silences(filter_of("  a: {Image|endswith: ['.com', '.exe']}\n  b: {User|contains: bob}\n"
                                 "  condition: not (a and b)\n"),
                       kEvent));
  EXPECT_TRUE(silences(filter_of("  k: ['svc.exe']\n  condition: not k\n"), kEvent));
  EXPECT_FALSE(silences(filter_of("  k: ['other']\n  condition: not k\n"), kEvent));
  EXPECT_TRUE(silences(filter_of("  a: {User: null}\n  condition: not a\n"), R"("CommandLine":"whoami")"));
}

TEST_F(FilterTest, WhatIsNoFilterOfTheRuleIsRefusedWithItsPlace) {
  EXPECT_NE(refusal("").find("one YAML document"), std::string::npos);
  EXPECT_NE(refusal("a: [").find("line "), std::string::npos);
  EXPECT_NE(refusal(kRule).find("filter"), std::string::npos);
  EXPECT_NE(refusal(filter_of("  s: {User: bob}\n  condition: s\n")).find("line"), std::string::npos);  // Without not.
  EXPECT_NE(refusal(filter_of("  s: {}\n  condition: not s\n")).find("line 5"), std::string::npos);     // Empty.
  EXPECT_NE(refusal(filter_of("  s: {User|foo: bob}\n  condition: not s\n")).find("line 5"), std::string::npos);
  EXPECT_NE(refusal(filter_of("  condition: not s\n")).find("line"), std::string::npos);
  const std::string good = "  s: {User: bob}\n  condition: not s\n";
  EXPECT_EQ(refusal(filter_of(good)), "");
  EXPECT_NE(refusal(filter_of(good, "other")).find("must name the rule"), std::string::npos);
  EXPECT_NE(refusal(filter_of(good, std::string(kId) + ", other")).find("must name the rule"), std::string::npos);
  EXPECT_NE(refusal("title: x\nlogsource: {product: windows}\nfilter:\n  rules: any\n" + good).find("must name"),
            std::string::npos);
  EXPECT_NE(refusal("title: x\nlogsource: {product: linux}\nfilter:\n  rules: [" + std::string(kId) + "]\n" + good), "");
  EXPECT_NE(refusal(filter_of(good) + "---\n" + filter_of(good)).find("one YAML document"), std::string::npos);
  std::string many = "  s:\n    User:\n";
  for (std::size_t i = 0; i <= kMaxFilterLeaves; ++i) many += "      - u" + std::to_string(i) + "\n";
  EXPECT_NE(refusal(filter_of(many + "  condition: not s\n")).find("more than 500"), std::string::npos);
}

TEST_F(FilterTest, FieldsThatSayNothingAreRefused) {
  EXPECT_FALSE(write_filter(rule(), "t", "a", {}).ok());
  EXPECT_FALSE(write_filter(rule(), "t", "a", {{"User", "equals", ""}}).ok());
  EXPECT_FALSE(write_filter(rule(), "t", "a", {{"", "equals", "x"}}).ok());
  EXPECT_FALSE(write_filter(rule(), "t", "a", {{"User|re", "equals", "x"}}).ok());
  EXPECT_FALSE(write_filter(rule(), "t", "a", {{"User", "like", "x"}}).ok());
  EXPECT_FALSE(write_filter(rule(), "t", "a", {{"User", "equals", std::string(kMaxFilterValueBytes + 1, 'a')}}).ok());
  EXPECT_TRUE(write_filter(rule(), "t", "a", {{"User", "equals", std::string(kMaxFilterValueBytes, 'a')}}).ok());
}

TEST_F(FilterTest, AFilterThatSilencesAnythingIsKnown) {
  const auto anything = [&](const std::string& detection) {
    return SuppressionFilter::read(filter_of(detection), rule())->silences_anything(evaluator_);
  };
  EXPECT_FALSE(anything("  s: {User: bob}\n  condition: not s\n"));
  EXPECT_TRUE(anything("  s: {User: '*'}\n  condition: not s\n"));
  EXPECT_TRUE(anything("  s: {User|contains: ''}\n  condition: not s\n"));
  EXPECT_TRUE(anything("  s: {User|re: '.'}\n  condition: not s\n"));
  EXPECT_TRUE(anything("  s: {User|exists: true}\n  condition: not s\n"));
  EXPECT_TRUE(anything("  s: {User: bob}\n  condition: s and not s\n"));
}

// A suppression asked about a match is what the same filter is in the rule's own set.
TEST_F(FilterTest, AgreesWithTheEngineThatHasTheFilterInItsRules) {
  const std::vector<std::string> filters{
      "  s: {User|contains: o, Image|endswith: x.exe}\n  condition: not s\n",
      "  s: {User: [bob, eve]}\n  t: {Image: null}\n  condition: not (s or t)\n",
      "  s: {User|re: '^[be]', ParentImage|startswith: 'C:\\'}\n  condition: not s\n",
      "  s: ['evil']\n  condition: not s\n",
      "  s: {User|fieldref: Image}\n  condition: not s\n",
      "  s: {Image|contains|all: [a, b]}\n  t: {User|exists: false}\n  condition: not 1 of them\n"};
  const std::vector<std::string> values{"", "bob", "Eve", "C:\\\\x.exe", "evil ab", "BOB", "a", "ba.EXE"};
  std::uint64_t seed = 20'261'124;
  const auto next = [&](std::uint64_t below) {
    seed = seed * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    return (seed >> 33) % below;
  };
  for (const std::string& text : filters) {
    const std::string yaml = filter_of(text);
    const auto filter = SuppressionFilter::read(yaml, rule());
    ASSERT_TRUE(filter.ok()) << filter.error().text;
    detect::LoadOptions options;
    options.canonical_name = [](std::string_view name) { return decode::canonical_name(name); };
    const detect::RuleSet set = detect::load_rules({{"rule.yml", kRule}, {"filter.yml", yaml}}, options);
    ASSERT_EQ(set.filter_count, 1u);
    const detect::CompiledRules compiled(set, sources_, {});
    detect::Engine filtered(compiled, names_);
    std::size_t silenced = 0;
    for (int i = 0; i < 300; ++i) {
      std::string data = R"("CommandLine":"whoami")";
      for (const char* name : {"User", "Image", "ParentImage"}) {
        if (next(5) > 0) data += ",\"" + std::string(name) + "\":\"" + values[next(values.size())] + "\"";
      }
      with_event(data, [&](const model::Event& event, const detect::Match& match) {
        std::vector<detect::Match> left;
        filtered.match(event, left);
        EXPECT_EQ(filter->silences(engine_, event, match, evaluator_), left.empty()) << text << data;
        silenced += left.empty() ? 1 : 0;
      });
    }
    EXPECT_GT(silenced, 0u) << text;
    EXPECT_LT(silenced, 300u) << text;
  }
}

TEST_F(FilterTest, ADraftOfADocumentHasWhatTheRuleLookedAt) {
  const auto fields_of = [](const std::string& document) {
    Drafter drafter;
    std::string out;
    if (!drafter.take_document(document)) return std::string("nothing");
    for (const auto& field : drafter.fields()) out += field.field + (field.chosen ? "+ " : "- ");
    return out;
  };
  const auto document = [](const std::string& predicates) {
    return R"({"unmapped":{"tocsin":{"matches":{"predicates":[)" + predicates + "]}}}}";
  };
  const std::string command = R"({"field":"CommandLine","op":"contains","pattern":"who","value":"whoami"})";
  const std::string image = R"({"field":"Image","op":"endswith","pattern":"x","value":"C:\\x.exe"})";
  EXPECT_EQ(fields_of(document(command + "," + image + "," + image)), "Image+ CommandLine- ");
  EXPECT_EQ(fields_of(document(command)), "CommandLine+ ");
  EXPECT_EQ(fields_of(document(R"({"field":"","value":"keyword"},{"field":"A","value":""},{"value":"x"},5)")), "nothing");
  EXPECT_EQ(fields_of("{}"), "nothing");
  EXPECT_EQ(fields_of("no JSON"), "nothing");
}

TEST_F(FilterTest, ADraftChoosesWhatTellsTheCaseApart) {
  Drafter drafter;
  with_event(kEvent, [&](const model::Event& event, const detect::Match& match) { drafter.take(engine_, event, match); });
  const auto chosen = [&](const std::string& name) {
    for (const auto& field : drafter.fields()) {
      if (field.field == name) return std::string(field.chosen ? "yes" : "no");
    }
    return std::string("absent");
  };
  EXPECT_EQ(chosen("Image"), "yes");
  EXPECT_EQ(chosen("ParentImage"), "yes");
  EXPECT_EQ(chosen("User"), "yes");
  EXPECT_EQ(chosen("Computer"), "no");
  EXPECT_EQ(chosen("CommandLine"), "no");
  EXPECT_EQ(chosen("TargetFilename"), "absent");
  for (int i = 0; i < 5; ++i) {
    with_event(
        R"("CommandLine":"whoami","Image":"C:\\other.exe","ParentImage":"C:\\SVC.exe","User":"u)" + std::to_string(i) + "\"",
        [&](const model::Event& event, const detect::Match& match) { drafter.other(engine_, event, match); });
  }
  EXPECT_EQ(chosen("ParentImage"), "no");  // All have it.
  EXPECT_EQ(chosen("Image"), "yes");
  for (const auto& field : drafter.fields()) {
    if (field.field == "Image") {
      EXPECT_NE(field.why.find("0 of 5 other findings"), std::string::npos) << field.why;
    }
    if (field.field == "ParentImage") {
      EXPECT_NE(field.why.find("all 5"), std::string::npos) << field.why;
    }
  }
}

}  // namespace
}  // namespace tocsin::app
