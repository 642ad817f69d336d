#include "source/kafka/grouping.h"

#include <gtest/gtest.h>

#include "source/kafka/properties.h"

namespace tocsin::source::kafka {
namespace {

Origin origin() {
  Origin out;
  out.source = model::SourceId{4};
  out.peer = "logs/2";
  out.once_prefix = "kafka:4/c/logs/2/";
  out.checkpoint_key = "key";
  return out;
}

TEST(KafkaGrouping, JoinsLinesOfOneKind) {
  const std::vector<MessageView> messages = {{10, "{\"a\":1}"}, {11, "{\"a\":2}\n"}, {14, " {\"a\":3}\r\n"}, {15, "text"}};
  const Group group = first_group(messages, model::Format::kUnknown);
  EXPECT_EQ(group.message_count, 3u);
  EXPECT_EQ(group.record_count, 3u);
  const auto out = deliveries_of(group, messages, origin());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].bytes, "{\"a\":1}\n{\"a\":2}\n {\"a\":3}\n");
  EXPECT_EQ(out[0].bytes.size(), group.bytes);
  EXPECT_EQ(out[0].once_key, "kafka:4/c/logs/2/10-14");
  EXPECT_EQ(out[0].checkpoint_key, "key");
  EXPECT_EQ(out[0].checkpoint_value, "15");
  EXPECT_EQ(out[0].peer, "logs/2");
}

TEST(KafkaGrouping, GivesEveryOtherMessageADeliveryOfItsOwn) {
  const std::string binary("\0\1", 2);
  const std::vector<MessageView> messages = {{5, "{\n}"}, {6, binary}, {7, "a\nb\n"}, {8, "line"}};
  const Group group = first_group(messages, model::Format::kUnknown);
  EXPECT_EQ(group.message_count, 3u);
  EXPECT_FALSE(group.joined);
  const auto out = deliveries_of(group, messages, origin());
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].bytes, "{\n}");
  EXPECT_EQ(out[0].once_key, "kafka:4/c/logs/2/5");
  EXPECT_EQ(out[0].checkpoint_key, "");
  EXPECT_EQ(out[1].bytes, binary);
  EXPECT_EQ(out[2].once_key, "kafka:4/c/logs/2/7");
  EXPECT_EQ(first_group({{1, "line"}, {2, "line"}}, model::Format::kEvtx).joined, false);
}

TEST(KafkaGrouping, PassesOverWhatHoldsNothingOrTooMuch) {
  const std::string longest(kMaxMessageBytes, 'x');
  const std::string longer(kMaxMessageBytes + 1, 'x');
  const std::vector<MessageView> messages = {{1, ""}, {2, longer}, {3, "\r\n"}};
  const Group group = first_group(messages, model::Format::kUnknown);
  EXPECT_EQ(group.message_count, 3u);
  EXPECT_EQ(group.too_long_count, 1u);
  EXPECT_TRUE(deliveries_of(group, messages, origin()).empty());
  EXPECT_EQ(first_group({{1, longest}, {2, "x"}}, model::Format::kUnknown).record_count, 1u);
  // They move the checkpoint of the lines around them.
  const std::vector<MessageView> mixed = {{1, ""}, {2, "a"}, {3, ""}};
  const auto out = deliveries_of(first_group(mixed, model::Format::kUnknown), mixed, origin());
  EXPECT_EQ(out.at(0).checkpoint_value, "4");
  EXPECT_EQ(out.at(0).once_key, "kafka:4/c/logs/2/1-3");
}

TEST(KafkaGrouping, BoundsGroups) {
  const std::string half(kGroupBytes / 2 - 1, 'x');
  EXPECT_EQ(first_group({{1, half}, {2, half}, {3, "x"}}, model::Format::kUnknown).message_count, 2u);
  const std::string more(kGroupBytes / 2, 'x');
  EXPECT_EQ(first_group({{1, half}, {2, more}}, model::Format::kUnknown).message_count, 1u);
  std::vector<MessageView> many;
  for (std::int64_t i = 0; i < 70; ++i) many.push_back({i, "a\nb"});
  EXPECT_EQ(first_group(many, model::Format::kUnknown).message_count, kMaxSingles);
  many.assign(kMaxGroupMessages + 1, {1, "x"});
  EXPECT_EQ(first_group(many, model::Format::kUnknown).message_count, kMaxGroupMessages);
  EXPECT_EQ(first_group({}, model::Format::kUnknown).message_count, 0u);
}

TEST(KafkaProperties, RefusesWhatRunsProgramsLoadsLibrariesOrBreaksTheCommits) {
  for (const char* name : {"plugin.library.paths", "sasl.kerberos.kinit.cmd", "ssl.engine.location", "enable.auto.commit",
                           "enable.auto.offset.store", "bootstrap.servers", "group.id", "debug", "ssl.keystore.location",
                           "sasl.oauthbearer.config", "enable.ssl.certificate.verification"}) {
    EXPECT_FALSE(property_allowed(name)) << name;
  }
  for (const char* name : {"security.protocol", "sasl.password", "ssl.ca.location", "ssl.key.pem", "fetch.min.bytes"}) {
    EXPECT_TRUE(property_allowed(name)) << name;
  }
}

TEST(KafkaProperties, SaysWhatIsWrongWithOptions) {
  const auto code = [](const auto& change) {
    KafkaOptions options;
    options.brokers = {"127.0.0.1:9092"};
    options.topics = {"logs"};
    change(options);
    const auto checked = check_options(options);
    return checked.ok() ? std::string("ok") : core::to_string(checked.error().code);
  };
  EXPECT_EQ(code([](KafkaOptions&) {}), "ok");
  EXPECT_EQ(code([](KafkaOptions& o) { o.brokers.clear(); }), "invalid");
  EXPECT_EQ(code([](KafkaOptions& o) { o.brokers = {"a,b"}; }), "invalid");
  EXPECT_EQ(code([](KafkaOptions& o) { o.topics.clear(); }), "invalid");
  EXPECT_EQ(code([](KafkaOptions& o) { o.topics = {""}; }), "invalid");
  EXPECT_EQ(code([](KafkaOptions& o) { o.group.clear(); }), "invalid");
  EXPECT_EQ(code([](KafkaOptions& o) { o.properties["debug"] = "all"; }), "unsupported");
  EXPECT_EQ(code([](KafkaOptions& o) { o.secrets.emplace("ssl.keystore.password", core::Secret("x")); }), "unsupported");
  EXPECT_EQ(code([](KafkaOptions& o) { o.properties["security.protocol"] = "SASL_SSL"; }), "unsupported");
  EXPECT_EQ(code([](KafkaOptions& o) {
              o.properties["security.protocol"] = "SASL_SSL";
              o.properties["sasl.mechanism"] = "SCRAM-SHA-512";
            }),
            "ok");
}

}  // namespace
}  // namespace tocsin::source::kafka
