#include "notify/message.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "notify/service.h"

namespace tocsin::notify {
namespace {

const core::Timestamp kNoon{1'795'521'600'000'000'000};  // 2026-11-24T12:00:00Z

ledger::Incident incident(const std::string& title) {
  ledger::Incident out;
  out.id = 17;
  out.title = title;
  out.tenant = "own";
  out.priority = "p1";
  out.owner = "ana";
  out.severity_id = 4;
  return out;
}
Notification notification(const std::string& title, const std::string& text = "opened by \"Macro\"") {
  auto out = notification_of(incident(title), "opened", text, "engine", kNoon);
  out.id = "abc-5";
  out.url = "https://soc.example.org/incidents/INC-17";
  return out;
}
std::string at(const std::string& json, const std::string& pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root, value;
  if (parser.parse(json).get(root) != simdjson::SUCCESS) return "<no JSON>";
  if (root.at_pointer(pointer).get(value) != simdjson::SUCCESS) return "<absent>";
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? std::string(text) : std::string(simdjson::minify(value));
}

TEST(Message, TheOutboxKeepsWhatItSays) {
  const auto kept = read_stored(stored_text(notification("Macro on WS-042")));
  ASSERT_TRUE(kept.ok()) << kept.error().text;
  EXPECT_EQ(kept->incident, 17);
  EXPECT_EQ(kept->title, "Macro on WS-042");
  EXPECT_EQ(kept->event, "opened");
  EXPECT_EQ(kept->owner, "ana");
  EXPECT_EQ(kept->at, kNoon);
  EXPECT_FALSE(read_stored("{").ok());
}

TEST(Message, OfTlpRedOnlyTheNumberIsTold) {
  auto red = incident("the secret title");
  red.tlp = "red";
  const std::string stored = stored_text(notification_of(red, "opened", "secret text", "anna", kNoon));
  EXPECT_EQ(stored.find("secret"), std::string::npos) << stored;
  EXPECT_EQ(stored.find("ana"), std::string::npos) << stored;
}

TEST(Message, TheWebhookHasIdAndUrl) {
  const std::string json = webhook_json(notification("Macro"));
  EXPECT_EQ(at(json, "/id"), "abc-5");
  EXPECT_EQ(at(json, "/event"), "opened");
  EXPECT_EQ(at(json, "/incident/id"), "INC-17");
  EXPECT_EQ(at(json, "/incident/severity_id"), "4");
  EXPECT_EQ(at(json, "/url"), "https://soc.example.org/incidents/INC-17");
  EXPECT_EQ(at(json, "/at"), "2026-11-24T12:00:00Z");
}

TEST(Message, ChatsTakeTextsAsTheyAre) {
  const std::string evil = "<!channel> <https://evil.example|click> **bold** [x](https://evil.example)";
  const std::string slack = slack_json(notification(evil, evil));
  EXPECT_EQ(at(slack, "/blocks/0/text/type"), "plain_text");
  EXPECT_EQ(at(slack, "/text").find('<'), std::string::npos);
  EXPECT_NE(at(slack, "/text").find("&lt;!channel&gt;"), std::string::npos);
  EXPECT_EQ(at(slack, "/blocks/3/elements/0/url"), "https://soc.example.org/incidents/INC-17");
  const std::string teams = teams_json(notification(evil, evil));
  EXPECT_EQ(at(teams, "/attachments/0/content/body/1/type"), "RichTextBlock");
  EXPECT_EQ(at(teams, "/attachments/0/content/body/1/inlines/0/text"), evil);
  EXPECT_EQ(at(teams, "/attachments/0/contentType"), "application/vnd.microsoft.card.adaptive");
  EXPECT_EQ(teams.find("\"TextBlock\""), std::string::npos);
}

TEST(Message, AHeaderIsOneLineOfAsciiWhateverComesIn) {
  EXPECT_EQ(header_text("plain"), "plain");
  EXPECT_EQ(header_text("a\r\nBcc: x@example.org"), "a  Bcc: x@example.org");
  EXPECT_EQ(header_text("Zürich"), "=?UTF-8?B?WsO8cmljaA==?=");
  EXPECT_EQ(header_text("=?UTF-8?B?WA==?="), "=?UTF-8?B?PT9VVEYtOD9CP1dBPT0/PQ==?=");
  EXPECT_EQ(header_text(std::string("\xFFx")), "=?UTF-8?B?77+9eA==?=");
}
TEST(Message, ALongHeaderIsFoldedBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "ü";
  const std::string out = header_text(text);
  std::size_t lines = 0;
  for (std::size_t begin = 0; begin < out.size(); ++lines) {
    const std::size_t end = std::min(out.find("\r\n", begin), out.size());
    EXPECT_LE(end - begin, 76u);
    EXPECT_EQ(out.substr(begin + (lines > 0 ? 1 : 0), 10), "=?UTF-8?B?");
    begin = end + 2;
  }
  EXPECT_EQ(lines, 3u);  // 120 bytes, 44 in a line: none is cut in the middle of a letter.
}

TEST(Message, AMailHasItsHeadersAndNoOthers) {
  const std::string mail =
      mail_text(notification("x\r\nBcc: evil@example.org\r\n\r\nbody"), {"tocsin@example.org", {"a@example.org"}, kNoon});
  const std::string head = mail.substr(0, mail.find("\r\n\r\n"));
  EXPECT_NE(head.find("Subject: [p1] INC-17 opened: x  Bcc: evil@example.org    body"), std::string::npos) << head;
  EXPECT_EQ(head.find("\r\nBcc:"), std::string::npos);
  EXPECT_NE(head.find("\r\nMessage-ID: <tocsin.abc-5@example.org>"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nAuto-Submitted: auto-generated"), std::string::npos);
  for (std::size_t begin = 0; begin < mail.size();) {
    const std::size_t end = mail.find("\r\n", begin);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - begin, 998u);
    EXPECT_EQ(mail.substr(begin, end - begin).find('\n'), std::string::npos);
    begin = end + 2;
  }
}

// Of Python: hmac.new(b"key", b"1795521600.{}", "sha256").hexdigest().
TEST(Message, TheSignatureIsAnHmacOverTimeAndBody) {
  const std::string text = signature(core::Secret("key"), kNoon, "{}");
  EXPECT_EQ(text, "t=1795521600,v1=2e55a4f595ce61f671090b9be8be26a4d1f0217e3b905361fb18d673d3a7877c");
  EXPECT_NE(text, signature(core::Secret("key2"), kNoon, "{}"));
  EXPECT_NE(text, signature(core::Secret("key"), {kNoon.ns + 1'000'000'000}, "{}"));
  EXPECT_NE(text, signature(core::Secret("key"), kNoon, "{ }"));
}

TEST(Addresses, ArePlainOnes) {
  for (const char* good : {"soc@example.org", "a.b+tag@sub.example.org", "o'neil@example.org"})
    EXPECT_TRUE(check_address(good).ok()) << good;
  for (const char* bad :
       {"", "soc", "@example.org", "soc@", "a@b@c", "a b@example.org", "a@example.org\r\nRCPT TO:<x@y>",
        "Soc <soc@example.org>", "a@exa mple.org", "-x@example.org", "a@b_c", "\"a\"@example.org", "z\xC3\xBC@example.org"})
    EXPECT_FALSE(check_address(bad).ok()) << bad;
  EXPECT_FALSE(check_address(std::string(250, 'a') + "@b.de").ok());
}

TEST(WebhookUrls, AreHttpsAndOfAnotherHost) {
  for (const char* good : {"https://example.org/hook", "https://example.org:8443/x?y=z", "https://10.0.0.5/hook"})
    EXPECT_TRUE(check_url(good, false).ok()) << good;
  for (const char* bad :
       {"", "http://example.org/hook", "ftp://example.org", "https://", "file:///etc/passwd", "https://u:p@example.org/",
        "https://example.org/a b", "https://example.org/\r\nX: y", "https://localhost/x", "https://127.0.0.1/x",
        "https://[::1]/x", "javascript:alert(1)", "example.org/x", "gopher://example.org/"})
    EXPECT_FALSE(check_url(bad, false).ok()) << bad;
  EXPECT_FALSE(check_url("https://example.org/" + std::string(2'048, 'a'), false).ok());
}
TEST(WebhookUrls, MayBeOfThisHostWhereThatIsAllowed) {
  EXPECT_TRUE(check_url("http://127.0.0.1:8080/x", true).ok());
  EXPECT_TRUE(check_url("https://localhost/x", true).ok());
  EXPECT_FALSE(check_url("http://example.org/x", true).ok());
  EXPECT_FALSE(check_url("http://127.0.0.1.example.org/x", true).ok());
}

TEST(Mentions, AreNamesBehindAnAt) {
  const auto of = [](const char* text) {
    std::string out;
    for (const std::string& name : mentions_in(text)) out += (out.empty() ? "" : " ") + name;
    return out;
  };
  EXPECT_EQ(of("@ana and @Bob.Miller, look"), "ana bob.miller");
  EXPECT_EQ(of("see @ana. (@bob)"), "ana bob");
  EXPECT_EQ(of("mail to x@example.org"), "");
  EXPECT_EQ(of("@ana@example.org"), "ana@example.org ana");
  EXPECT_EQ(of("@ @@ @."), "");
  EXPECT_EQ(of("@ana @ana"), "ana");
  EXPECT_LE(mentions_in(std::string(100'000, '@')).size(), 50u);
}

}  // namespace
}  // namespace tocsin::notify
