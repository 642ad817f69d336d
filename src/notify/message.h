// What a notification says, and its forms: mail, JSON, Slack, Teams; the signature of a webhook. Pure functions; any thread.
//
// All texts come from outside (titles hold names out of logs): a form takes them as plain text, so that nothing in them is a
// header, a link, markup or a mention. Of an incident marked TLP:RED only its number leaves the house.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"
#include "ledger/incidents.h"

namespace tocsin::notify {

inline constexpr std::size_t kMaxTextBytes = 2'000;  // Of what happened; the rest is cut.

struct Notification {
  std::string id;     // Of the delivery: the same with each attempt, and of no other.
  std::string event;  // "opened", "raised", "assigned", "mentioned", "sla", "escalated", "closed"; "test".
  ledger::IncidentNumber incident = 0;
  std::string title, tenant, priority, state, owner, tlp;
  int severity_id = 0;
  std::string text;   // One sentence, what happened.
  std::string actor;  // Who did it.
  std::string url;    // Of the console's page.
  core::Timestamp at;
};
Notification notification_of(const ledger::Incident& incident, std::string_view event, std::string_view text,
                             std::string_view actor, core::Timestamp at);

// What the outbox keeps: all but id and url.
std::string stored_text(const Notification& notification);
core::Result<Notification> read_stored(std::string_view json);

std::string subject_of(const Notification& notification);  // "[p1] INC-17 opened: title".
std::string webhook_json(const Notification& notification);
std::string slack_json(const Notification& notification);
std::string teams_json(const Notification& notification);

struct Envelope {
  std::string from;
  std::vector<std::string> to;
  core::Timestamp date;
};
// The whole text of the mail, with CR LF. REQUIRES: addresses of check_address.
std::string mail_text(const Notification& notification, const Envelope& envelope);
// A header's value that is not ASCII, as encoded words (RFC 2047), folded; control characters become spaces.
std::string header_text(std::string_view text);

// "t=<seconds>,v1=<hex of HMAC-SHA256 over "<seconds>.<body>">".
std::string signature(const core::Secret& secret, core::Timestamp now, std::string_view body);

// A plain address as soc@example.org: no name, no comment, ASCII.
core::Result<void> check_address(std::string_view address);
// https with a host and no user; http where `allow_loopback` and the host is this one.
core::Result<void> check_url(std::string_view url, bool allow_loopback);

}  // namespace tocsin::notify
