// The routes of notifications and service levels.
#include "ledger/notifications.h"

#include "api/incident_test_support.h"
#include "notify/service.h"

namespace tocsin::api {
namespace {

const std::string kChannels = "/api/v1/notifications/channels", kDeliveries = "/api/v1/notifications/deliveries";

class NotificationsTest : public IncidentFixture {
 protected:
  void change(ApiOptions& changed) override {
    IncidentFixture::change(changed);
    notify::ServiceOptions with;
    with.console_url = "https://soc.example.org";
    with.transport.allow_loopback = true;
    with.seal = [](std::string_view plain) { return "sealed:" + std::string(plain); };
    with.unseal = [](std::string_view sealed) { return std::optional(core::Secret(std::string(sealed.substr(7)))); };
    service = std::make_unique<notify::Service>(*ledger, *clock, metrics, std::move(with));
    changed.notify = service.get();
  }
  void TearDown() override {
    IncidentFixture::TearDown();
    service.reset();
  }
  static std::string channel(const std::string& name, const std::string& more = "") {
    return R"({"name":")" + name + R"(","kind":"webhook","target":"https://hooks.example.org/t0ken","events":["opened"])" +
           (more.empty() ? "" : "," + more) + "}";
  }
  std::unique_ptr<notify::Service> service;
};

TEST_F(NotificationsTest, ChannelsAreMadeShownChangedAndRemoved) {
  const Answer made = post(kChannels, boss, channel("hook", R"("secret":"s3cret","escalate_after_s":900,"min_priority":"p2",
      "quiet":{"from":"22:00","to":"06:00","timezone":"Europe/Berlin","days":["sat"],"except_priority":"p1"})"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("/has_secret"), "true");
  EXPECT_EQ(made.at("/created_by"), "admin");
  EXPECT_EQ(made.at("/quiet/timezone"), "Europe/Berlin");
  EXPECT_EQ(made.at("/escalate_after_s"), "900");
  EXPECT_EQ(made.at("/tenant"), "");
  EXPECT_EQ(get(kChannels, boss).body.find("s3cret"), std::string::npos);
  EXPECT_EQ(get(kChannels, boss).at("/items/0/target"), "https://hooks.example.org/t0ken");
  const std::string path = kChannels + "/" + made.at("/id");
  const Answer changed = ask("PUT", path, boss, channel("hook2"));
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/has_secret"), "true");
  EXPECT_EQ(changed.at("/quiet"), "null");
  EXPECT_EQ(changed.at("/escalate_after_s"), "null");
  EXPECT_EQ(ask("PUT", path, boss, channel("hook2", R"("secret":"")")).at("/has_secret"), "false");
  EXPECT_EQ(ask("DELETE", path, boss).status, 204);
  EXPECT_EQ(ask("DELETE", path, boss).status, 404);
  const Answer trail = get("/api/v1/audit?action=notify", boss);
  EXPECT_NE(trail.body.find("notify.channel.remove"), std::string::npos) << trail.body;
  EXPECT_EQ(trail.body.find("t0ken"), std::string::npos);
  EXPECT_EQ(trail.body.find("s3cret"), std::string::npos);
}

TEST_F(NotificationsTest, WhatIsWrongIsNamedByItsField) {
  for (const auto& [body, field] :
       {std::pair(std::string(R"({"kind":"webhook"})"), "name"), std::pair(channel("x", R"("tenant":7)"), "tenant"),
        std::pair(std::string(R"({"name":"x","kind":"webhook","target":"http://example.org","events":["opened"]})"),
                  "target"),
        std::pair(std::string(R"({"name":"x","kind":"email","target":["a@b\r\nc"],"events":["opened"]})"), "target"),
        std::pair(std::string(R"({"name":"x","kind":"email","target":"a@b.de","events":["opened"]})"), "target"),
        std::pair(channel("x", R"("min_priority":"p9")"), "min_priority"),
        std::pair(channel("x", R"("escalate_after_s":1)"), "escalate_after_s"),
        std::pair(channel("x", R"("quiet":{"from":"25:00","to":"06:00","timezone":"UTC"})"), "quiet"),
        std::pair(channel("x", R"("quiet":{"from":"22:00"})"), "quiet.to")}) {
    const Answer answer = post(kChannels, boss, body);
    EXPECT_EQ(answer.status, 400) << body << answer.body;
    EXPECT_EQ(answer.at("/field"), field) << body << answer.body;
  }
  EXPECT_EQ(post(kChannels, boss, channel("twice")).status, 201);
  EXPECT_EQ(post(kChannels, boss, channel("twice")).at("/field"), "name");
}

TEST_F(NotificationsTest, OnlyThoseWhoMayWriteSettingsSeeAndChangeChannels) {
  EXPECT_EQ(get(kChannels, ana).status, 403);
  EXPECT_EQ(post(kChannels, ana, channel("x")).status, 403);
  EXPECT_EQ(post(kDeliveries + "/1/retry", ana).status, 403);
  EXPECT_EQ(get(kDeliveries, viewer).status, 200);
}

TEST_F(NotificationsTest, AChannelOfAllTenantsIsForThoseWhoSeeAll) {
  const std::string all = post(kChannels, boss, channel("all")).at("/id");
  const std::string other = post(kChannels, boss, channel("other", R"("tenant":"other")")).at("/id");
  const std::string own = post(kChannels, nora, channel("own")).at("/id");
  EXPECT_EQ(get(kChannels, nora).count("/items"), 1u);
  EXPECT_EQ(get(kChannels, boss).count("/items"), 3u);
  for (const std::string& id : {all, other}) {
    EXPECT_EQ(ask("PUT", kChannels + "/" + id, nora, channel("mine")).status, 404);
    EXPECT_EQ(ask("DELETE", kChannels + "/" + id, nora).status, 404);
    EXPECT_EQ(post(kChannels + "/" + id + "/test", nora).status, 404);
  }
  EXPECT_EQ(post(kChannels, nora, channel("x", R"("tenant":"other")")).at("/field"), "tenant");
  EXPECT_EQ(ask("PUT", kChannels + "/" + own, nora, channel("own", R"("tenant":"other")")).at("/field"), "tenant");
  // One of a tenant of hers that another made: she must not make it one of all that the other sees.
  const std::string shared = post(kChannels, boss, channel("shared", R"("tenant":"own")")).at("/id");
  EXPECT_EQ(ask("PUT", kChannels + "/" + shared, nora, channel("shared")).at("/field"), "tenant");
  EXPECT_EQ(ask("PUT", kChannels + "/" + shared, nora, channel("shared", R"("tenant":"own")")).status, 200);
}

TEST_F(NotificationsTest, ATestSaysWhetherItArrived) {
  const std::string body = R"({"name":"x","kind":"webhook","target":"http://127.0.0.1:1/x","events":["opened"]})";
  const std::string id = post(kChannels, boss, body).at("/id");
  const Answer answer = post(kChannels + "/" + id + "/test", boss);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.at("/delivered"), "false");
  EXPECT_NE(answer.at("/problem"), "");
  const std::string mail = R"({"name":"m","kind":"email","target":["a@example.org"],"events":["opened"]})";
  EXPECT_NE(post(kChannels + "/" + post(kChannels, boss, mail).at("/id") + "/test", boss).body.find("notify.smtp.server"),
            std::string::npos);
}

TEST_F(NotificationsTest, DeliveriesAreOfTheTenantsThatOneSeesAndTriedAgainWhenDead) {
  ASSERT_TRUE(service->plan().ok());  // From here on.
  post(kChannels, boss, channel("all"));
  for (const ledger::IncidentNumber id : {1, 3}) {
    write([&](IncidentTables& tables) { return tables.add_history({0, id, clock->now(), "engine", "opened", "text", ""}); });
  }
  ASSERT_TRUE(service->plan().ok());
  EXPECT_EQ(get(kDeliveries, boss).at("/total"), "2");
  const Answer seen = get(kDeliveries + "?state=pending", ana);
  EXPECT_EQ(seen.at("/total"), "1") << seen.body;
  EXPECT_EQ(seen.at("/items/0/incident"), "INC-1");
  EXPECT_EQ(seen.at("/items/0/channel_name"), "all");
  EXPECT_EQ(seen.body.find("t0ken"), std::string::npos);
  EXPECT_EQ(get(kDeliveries + "?state=lost", ana).at("/field"), "state");
  const Answer page = get(kDeliveries + "?limit=1", boss);
  EXPECT_EQ(get(kDeliveries + "?limit=1&cursor=" + page.at("/next_cursor"), boss).at("/items/0/incident"), "INC-1");
  const std::string own = seen.at("/items/0/id"), foreign = page.at("/items/0/id");
  EXPECT_EQ(post(kDeliveries + "/" + own + "/retry", boss).status, 409);
  const auto dead = ledger->write([&](ledger::Tables& all) -> core::Result<void> {
    ledger::NotifyTables tables(all);
    for (const std::string& id : {own, foreign}) {
      auto row = *TOCSIN_TRY(tables.delivery(std::stoll(id)));
      row.state = "dead";
      TOCSIN_TRY(tables.update_delivery(row));
    }
    return {};
  });
  ASSERT_TRUE(dead.ok());
  EXPECT_EQ(post(kDeliveries + "/" + foreign + "/retry", nora).status, 404);
  EXPECT_EQ(post(kDeliveries + "/" + own + "/retry", nora).at("/state"), "pending");
}

TEST_F(NotificationsTest, AnIncidentHasItsClocksInListsAndByItself) {
  const Answer clocks = get("/api/v1/incidents/1/sla", viewer);
  ASSERT_EQ(clocks.status, 200) << clocks.body;
  EXPECT_EQ(clocks.at("/items/0/name"), "acknowledge");
  EXPECT_EQ(clocks.at("/items/0/calendar"), "business hours");
  EXPECT_EQ(clocks.at("/items/0/target_s"), "14400");
  EXPECT_EQ(clocks.at("/items/0/state"), "running");
  EXPECT_EQ(clocks.at("/items/0/done_at"), "null");
  EXPECT_EQ(get("/api/v1/incidents/3/sla", viewer).status, 404);
  const Answer list = get("/api/v1/incidents?order=oldest", viewer);
  EXPECT_EQ(list.at("/items/0/sla_due"), clocks.at("/items/0/due"));
  EXPECT_EQ(list.at("/items/0/sla_breached"), "false");
  clock->advance(std::chrono::hours(5));
  EXPECT_EQ(get("/api/v1/incidents/1/sla", viewer).at("/items/0/state"), "breached");
  EXPECT_EQ(get("/api/v1/incidents?order=oldest", viewer).at("/items/0/sla_breached"), "true");
  EXPECT_EQ(get("/api/v1/measures?tenant=own", viewer).at("/sla/acknowledge/breached"), "2");
  EXPECT_EQ(get("/api/v1/measures?tenant=own", viewer).at("/sla/close/met"), "0");
}

TEST_F(NotificationsTest, ThePolicyIsShown) {
  const Answer policy = get("/api/v1/sla", viewer);
  EXPECT_EQ(policy.at("/business_hours/from"), "08:00");
  EXPECT_EQ(policy.at("/business_hours/days/0"), "mon");
  EXPECT_EQ(policy.at("/priorities/0/acknowledge_s"), "900");
  EXPECT_EQ(policy.at("/priorities/3/calendar"), "business hours");
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
