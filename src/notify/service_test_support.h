// A ledger with incidents and a service over it, driven step by step. Used by tests only.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "notify/service.h"
#include "testing/temporary_folder.h"

namespace tocsin::notify {

inline const core::Timestamp kNoon{1'795'521'600'000'000'000};  // Tuesday, 2026-11-24T12:00:00Z
using std::chrono::minutes;
using std::chrono::seconds;

class ServiceFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    open_ledger();
    add_user("boss", {});
    add_user("nora", {"own"});
    add_incident(1, "own", "p2");
    add_incident(2, "other", "p2");
    start();
    ASSERT_EQ(planned(), 0u);  // Sets the position: what was before is not told.
  }
  void open_ledger() {
    ledger_.reset();
    auto opened = ledger::Ledger::open((folder_.path() / "ledger.db").string());
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    ledger_ = std::move(*opened);
  }
  // A restart, with what `options` says by then.
  void start() {
    ServiceOptions with;
    with.transport.allow_loopback = allow_loopback;
    with.transport.ca = ca;
    with.transport.smtp.server = smtp.server;
    with.transport.smtp.port = smtp.port;
    with.transport.smtp.tls = smtp.tls;
    with.transport.smtp.from = "tocsin@example.org";
    with.transport.smtp.user = smtp.user;
    with.transport.smtp.password = core::Secret(std::string(smtp.password.reveal()));
    with.console_url = "https://soc.example.org";
    with.seal = [](std::string_view plain) { return "sealed:" + std::string(plain); };
    with.unseal = [](std::string_view sealed) -> std::optional<core::Secret> {
      if (!sealed.starts_with("sealed:")) return std::nullopt;
      return core::Secret(std::string(sealed.substr(7)));
    };
    with.breaches = [this](const ledger::Incident& incident, core::Timestamp) {
      return incident.id == breached ? std::vector<Breach>{{"acknowledge", "not in time: acknowledge"}}
                                     : std::vector<Breach>{};
    };
    service_.reset();
    service_ = std::make_unique<Service>(*ledger_, clock_, metrics_, std::move(with));
  }

  template <class Work>
  void write(Work work) {
    const auto done = ledger_->write([&](ledger::Tables& all) -> core::Result<void> { return work(all); });
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  void add_user(const std::string& name, const std::vector<std::string>& tenants) {
    write([&](ledger::Tables& all) -> core::Result<void> {
      ledger::User user;
      user.name = name;
      user.role = "admin";
      user.tenants = tenants;
      TOCSIN_TRY(all.insert_user(user));
      return {};
    });
  }
  void add_incident(ledger::IncidentNumber id, const std::string& tenant, const std::string& priority) {
    write([&](ledger::Tables& all) -> core::Result<void> {
      ledger::Incident one;
      one.id = id;
      one.tenant = tenant;
      one.title = "Incident " + std::to_string(id);
      one.priority = priority;
      one.version = 1;
      one.created_at = one.changed_at = one.last_event = clock_.now();
      ledger::IncidentTables incidents(all);
      TOCSIN_TRY(incidents.insert_incident(one));
      return incidents.add_history({0, id, clock_.now(), "engine", "opened", "opened by a rule", ""});
    });
  }
  void note(ledger::IncidentNumber id, const std::string& action, const std::string& text, const std::string& detail = "") {
    write([&](ledger::Tables& all) {
      return ledger::IncidentTables(all).add_history({0, id, clock_.now(), "ana", action, text, detail});
    });
  }
  static ChannelInput hook(const std::string& name, const std::string& url = "https://hooks.example.org/x") {
    ChannelInput out;
    out.channel.name = name;
    out.channel.kind = "webhook";
    out.channel.targets = {url};
    out.channel.events = {"opened", "raised", "assigned", "mentioned", "sla", "escalated", "closed"};
    return out;
  }
  std::int64_t add(ChannelInput input, const std::string& by = "boss") {
    const auto made = service_->add(std::move(input), by);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().text);
    return made.ok() ? made->id : 0;
  }
  std::size_t planned() {
    const auto done = service_->plan();
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text);
    return done.ok() ? *done : 0;
  }
  // The oldest first.
  std::vector<ledger::NotifyDelivery> outbox() {
    std::vector<ledger::NotifyDelivery> out;
    write([&](ledger::Tables& all) -> core::Result<void> {
      out = TOCSIN_TRY(ledger::NotifyTables(all).deliveries({}));
      return {};
    });
    return {out.rbegin(), out.rend()};
  }
  // "opened:1 closed:2": events and incidents.
  std::string told() {
    std::string out;
    for (const auto& one : outbox()) out += (out.empty() ? "" : " ") + one.event + ":" + std::to_string(one.incident);
    return out;
  }
  bool delivered() {
    const auto done = service_->deliver_one();
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text);
    return done.ok() && *done;
  }

  bool allow_loopback = false;
  std::string ca;
  SmtpServer smtp;
  ledger::IncidentNumber breached = 0;
  testing::TemporaryFolder folder_;
  core::FakeClock clock_{kNoon};
  core::Metrics metrics_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Service> service_;
};

}  // namespace tocsin::notify
