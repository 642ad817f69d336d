#include "notify/message.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "core/json_writer.h"
#include "core/text.h"

namespace tocsin::notify {
namespace {

constexpr std::size_t kMaxUrlBytes = 2'048, kMaxAddressBytes = 254, kMaxTitleShown = 200;
constexpr std::int64_t kSecondNs = 1'000'000'000;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
// At most `max` bytes, cut between characters.
std::string cut(std::string_view text, std::size_t max) {
  if (text.size() <= max) return std::string(text);
  std::size_t end = max;
  while (end > 0 && continues(text[end])) --end;
  return std::string(text.substr(0, end)) + "...";
}
std::string label(ledger::IncidentNumber number) { return number == 0 ? "Tocsin" : "INC-" + std::to_string(number); }

std::string words_of(const Notification& one) {
  if (one.event == "sla") return "service level breached";
  if (one.event == "escalated") return "not acknowledged";
  if (one.event == "mentioned") return "somebody is mentioned";
  if (one.event == "test") return "a test";
  return one.event;
}

// Of the mail and of chats: name and value.
std::vector<std::pair<std::string, std::string>> facts_of(const Notification& one) {
  std::vector<std::pair<std::string, std::string>> out{{"Incident", label(one.incident)}, {"Priority", one.priority}};
  out.emplace_back("State", one.state);
  out.emplace_back("Owner", one.owner.empty() ? "nobody" : one.owner);
  out.emplace_back("Tenant", one.tenant);
  out.emplace_back("Time", one.at.known() ? core::format_iso_time({one.at.ns / kSecondNs * kSecondNs}) : "");
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

// Valid UTF-8, whatever came in.
std::string clean(std::string_view text) {
  std::string quoted;
  core::append_json_escaped(text, quoted);
  simdjson::dom::parser parser;
  std::string_view value;
  quoted = "\"" + quoted + "\"";
  if (parser.parse(quoted).get(value) != simdjson::SUCCESS) return {};
  return std::string(value);
}

// Tue, 24 Nov 2026 12:00:00 +0000
std::string mail_date(core::Timestamp time) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const core::CivilTime at = core::to_civil(time);
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%s, %02u %s %04d %02u:%02u:%02u +0000", kDays[at.weekday], at.day,
                kMonths[at.month - 1], at.year, at.hour, at.minute, at.second);
  return out.data();
}

void escape_slack(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
}

bool is_loopback_name(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }

}  // namespace

Notification notification_of(const ledger::Incident& incident, std::string_view event, std::string_view text,
                             std::string_view actor, core::Timestamp at) {
  Notification out;
  out.event = event;
  out.incident = incident.id;
  out.tenant = incident.tenant;
  out.priority = incident.priority;
  out.severity_id = incident.severity_id;
  out.state = model::to_string(incident.state);
  out.tlp = incident.tlp;
  out.at = at;
  if (incident.tlp == "red") {
    out.title = "TLP:RED, see the console";
    return out;
  }
  out.title = cut(incident.title, kMaxTitleShown);
  out.owner = incident.owner;
  out.text = cut(text, kMaxTextBytes);
  out.actor = actor;
  return out;
}

namespace {

void write_incident(core::JsonWriter& json, const Notification& one) {
  json.key("incident").begin_object().member("id", label(one.incident)).key("number").number(one.incident);
  json.member("title", one.title).member("tenant", one.tenant).member("priority", one.priority);
  json.key("severity_id").number(one.severity_id).member("state", one.state).member("owner", one.owner);
  json.member("tlp", one.tlp).end_object();
  json.member("text", one.text).member("actor", one.actor);
  json.member("at", one.at.known() ? core::format_iso_time(one.at) : "");
}

}  // namespace

std::string stored_text(const Notification& notification) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("event", notification.event);
  write_incident(json, notification);
  json.end_object();
  return out;
}

core::Result<Notification> read_stored(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root, incident;
  const simdjson::padded_string padded(text);
  if (parser.parse(padded).get(root) != simdjson::SUCCESS || root["incident"].get(incident) != simdjson::SUCCESS) {
    return invalid("what the outbox keeps cannot be read");
  }
  const auto word = [](simdjson::dom::element at, const char* name) {
    std::string_view value;
    return at[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  };
  Notification out;
  out.event = word(root, "event");
  out.text = word(root, "text");
  out.actor = word(root, "actor");
  out.at = core::parse_iso_time(word(root, "at")).value_or(core::kNoTime);
  out.title = word(incident, "title");
  out.tenant = word(incident, "tenant");
  out.priority = word(incident, "priority");
  out.state = word(incident, "state");
  out.owner = word(incident, "owner");
  out.tlp = word(incident, "tlp");
  std::int64_t number = 0, severity = 0;
  if (incident["number"].get(number) == simdjson::SUCCESS) out.incident = number;
  if (incident["severity_id"].get(severity) == simdjson::SUCCESS) out.severity_id = static_cast<int>(severity);
  return out;
}

std::string subject_of(const Notification& one) {
  return "[" + one.priority + "] " + label(one.incident) + " " + words_of(one) + ": " + one.title;
}

std::string webhook_json(const Notification& one) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().member("id", one.id).member("event", one.event);
  write_incident(json, one);
  json.member("url", one.url).end_object();
  return out;
}

// Blocks of plain_text: no markup, no mentions. `text` is what small screens show, where <, > and & would be markup.
std::string slack_json(const Notification& one) {
  std::string fallback;
  escape_slack(subject_of(one), fallback);
  std::string out;
  core::JsonWriter json(out);
  const auto plain = [&json](std::string_view text) {
    json.begin_object().member("type", "plain_text").member("text", text.empty() ? "-" : text);
    json.key("emoji").boolean(false).end_object();
  };
  json.begin_object().member("text", fallback).key("blocks").begin_array();
  json.begin_object().member("type", "section").key("text");
  plain(subject_of(one));
  json.end_object();
  if (!one.text.empty()) {
    json.begin_object().member("type", "section").key("text");
    plain(one.text);
    json.end_object();
  }
  json.begin_object().member("type", "section").key("fields").begin_array();
  for (const auto& [name, value] : facts_of(one)) plain(name + ": " + value);
  json.end_array().end_object();
  json.begin_object().member("type", "actions").key("elements").begin_array();
  json.begin_object().member("type", "button").key("text");
  plain("Open " + label(one.incident));
  json.member("url", one.url).end_object().end_array().end_object();
  json.end_array().end_object();
  return out;
}

// An adaptive card of text runs, which, unlike text blocks, know no Markdown.
std::string teams_json(const Notification& one) {
  std::string out;
  core::JsonWriter json(out);
  const auto run = [&json](std::string_view text, bool strong) {
    json.begin_object().member("type", "RichTextBlock").key("inlines").begin_array().begin_object();
    json.member("type", "TextRun").member("text", text);
    if (strong) json.member("weight", "bolder");
    json.end_object().end_array().end_object();
  };
  json.begin_object().member("type", "message").key("attachments").begin_array().begin_object();
  json.member("contentType", "application/vnd.microsoft.card.adaptive").key("content").begin_object();
  json.member("$schema", "http://adaptivecards.io/schemas/adaptive-card.json").member("type", "AdaptiveCard");
  json.member("version", "1.4").key("body").begin_array();
  run(subject_of(one), true);
  if (!one.text.empty()) run(one.text, false);
  for (const auto& [name, value] : facts_of(one)) run(name + ": " + value, false);
  json.end_array().key("actions").begin_array().begin_object().member("type", "Action.OpenUrl");
  json.member("title", "Open " + label(one.incident)).member("url", one.url).end_object().end_array();
  json.end_object().end_object().end_array().end_object();
  return out;
}

// Encoded words hold whole characters and are at most 75 bytes: 45 bytes of text each (RFC 2047, 2).
std::string header_text(std::string_view text) {
  std::string flat = clean(text);
  for (char& c : flat) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  const bool ascii = std::ranges::all_of(flat, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii && flat.size() <= 120 && flat.find("=?") == std::string::npos) return flat;
  constexpr std::size_t kWordBytes = 45;
  std::string out;
  for (std::size_t at = 0; at < flat.size();) {
    std::size_t end = std::min(at + kWordBytes, flat.size());
    while (end < flat.size() && end > at && continues(flat[end])) --end;
    out += (at == 0 ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(std::string_view(flat).substr(at, end - at)) + "?=";
    at = end;
  }
  return out;
}

std::string mail_text(const Notification& one, const Envelope& envelope) {
  std::string to;
  for (const std::string& address : envelope.to) to += (to.empty() ? "" : ",\r\n ") + address;
  const std::size_t at = envelope.from.rfind('@');
  std::string out = "From: " + envelope.from + "\r\nTo: " + to + "\r\nSubject: " + header_text(subject_of(one)) +
                    "\r\nDate: " + mail_date(envelope.date) + "\r\nMessage-ID: <tocsin." + one.id +
                    envelope.from.substr(at == std::string::npos ? envelope.from.size() : at) +
                    ">\r\nX-Tocsin-Delivery: " + one.id + "\r\nX-Tocsin-Event: " + one.event +
                    "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8"
                    "\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  std::string body = one.title + "\r\n\r\n";
  if (!one.text.empty()) body += one.text + (one.actor.empty() ? "" : " (" + one.actor + ")") + "\r\n\r\n";
  for (const auto& [name, value] : facts_of(one)) body += name + ": " + value + "\r\n";
  body += "\r\n" + one.url + "\r\n";
  const std::string encoded = base64(clean(body));
  for (std::size_t i = 0; i < encoded.size(); i += 76) out += encoded.substr(i, 76) + "\r\n";
  return out;
}

std::string signature(const core::Secret& secret, core::Timestamp now, std::string_view body) {
  const std::string time = std::to_string(now.ns / kSecondNs);
  const std::string text = time + "." + std::string(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  const std::string_view key = secret.reveal();
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), mac.data(), &size);
  std::string out = "t=" + time + ",v1=";
  constexpr const char* kHex = "0123456789abcdef";
  for (unsigned i = 0; i < size; ++i) {
    out += kHex[mac[i] >> 4];
    out += kHex[mac[i] & 15];
  }
  return out;
}

core::Result<void> check_address(std::string_view address) {
  const std::size_t at = address.find('@');
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-/=?^_`{|}~.@").find(c) != std::string_view::npos;
  };
  const bool well =
      address.size() <= kMaxAddressBytes && at != std::string_view::npos && at > 0 && at + 1 < address.size() &&
      address.find('@', at + 1) == std::string_view::npos && std::ranges::all_of(address, good) && address[0] != '-' &&
      address.substr(at + 1).find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
          std::string_view::npos;
  if (well) return {};
  return invalid("'" + cut(address, 80) + "' is no plain address as soc@example.org");
}

core::Result<void> check_url(std::string_view text, bool allow_loopback) {
  const bool printable = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (text.empty() || text.size() > kMaxUrlBytes || !printable) {
    return invalid("is no address as https://example.org/hook of at most 2048 ASCII characters");
  }
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return invalid("is no address as https://example.org/hook");
  }
  const std::string scheme = core::ascii_lower(part(url.get(), CURLUPART_SCHEME));
  const std::string host = core::ascii_lower(part(url.get(), CURLUPART_HOST));
  if (host.empty()) return invalid("has no host");
  if (!part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty()) {
    return invalid("must not hold a user or password: give a secret instead");
  }
  const bool loopback = is_loopback_name(host);
  if (loopback && !allow_loopback) {
    return invalid("is of this host itself, which notify.webhook.allow_loopback in the configuration would allow");
  }
  if (scheme == "https" || (scheme == "http" && loopback)) return {};
  return invalid("must begin with https://");
}

}  // namespace tocsin::notify
