// Texts of incidents and settings of channels, from outside: what comes of them is one header, one document, no other host.
#include <cstdint>
#include <cstdlib>

#include "notify/message.h"
#include "notify/quiet.h"
#include "notify/service.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// Lines end with CR LF only, and go on with a space.
void check_header(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    check(c < 0x80);
    if (c == '\r') check(i + 2 < text.size() && text[i + 1] == '\n' && text[i + 2] == ' ');
    if (c == '\n') check(i > 0 && text[i - 1] == '\r');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::notify;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_header(header_text(text));
  check(mentions_in(text).size() <= 2 * kMaxMentions + 1);
  if (check_address(text).ok()) check(text.find_first_of("\r\n <>,;") == std::string_view::npos);
  if (check_url(text, false).ok()) check(text.size() > 8 && text.find_first_of("\r\n ") == std::string_view::npos);
  if (const auto quiet = read_quiet(text); quiet.ok()) {
    const tocsin::core::Timestamp now{1'795'521'600'000'000'000};
    const auto until = quiet_until(*quiet, now);
    check(until >= now && quiet_until(*quiet, until) == until);
    check(read_quiet(quiet_json(*quiet)).ok());
  }
  tocsin::ledger::Incident incident;
  incident.id = 1;
  incident.title = text;
  Notification one = notification_of(incident, "opened", text, text, {0});
  const auto kept = read_stored(stored_text(one));
  check(kept.ok() && stored_text(*kept) == stored_text(one));
  const std::string mail = mail_text(one, {"a@example.org", {"b@example.org"}, {0}});
  check(mail.find("\r\n\r\n") == mail.rfind("\r\n\r\n"));
  check(!slack_json(one).empty() && !teams_json(one).empty() && !webhook_json(one).empty());
  return 0;
}
