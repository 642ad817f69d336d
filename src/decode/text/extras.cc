// The table of well-known Linux messages.
//
// A pattern is matched from the start of the message. {name} takes the text up to the first place of the literal behind
// it, {*name} up to the last place (the user name is the attacker's choice: "root from 10.0.0.1 port 1 ssh2" must not
// forge an address), a name at the end takes the text up to the next space. What follows a matched pattern is ignored.
#include <array>
#include <span>

#include "decode/syslog_message.h"
#include "decode/text/fields.h"

namespace tocsin::decode {
namespace {

using namespace text;

struct Pattern {
  std::string_view appname;
  std::string_view pattern;
  std::string_view outcome;  // "" where the message gives no verdict.
};

constexpr Pattern kPatterns[] = {
    {"sshd", "Failed {auth_method} for invalid user {*user} from {src_ip} port {src_port}", "failure"},
    {"sshd", "Failed {auth_method} for illegal user {*user} from {src_ip} port {src_port}", "failure"},
    {"sshd", "Failed {auth_method} for {*user} from {src_ip} port {src_port}", "failure"},
    {"sshd", "Accepted {auth_method} for {*user} from {src_ip} port {src_port}", "success"},
    {"sshd", "Invalid user {*user} from {src_ip} port {src_port}", ""},
    {"sshd", "Invalid user {*user} from {src_ip}", ""},
    {"sshd", "Illegal user {*user} from {src_ip}", ""},
    {"sshd", "User {*user} from {src_ip} not allowed", ""},
    {"sshd", "error: maximum authentication attempts exceeded for invalid user {*user} from {src_ip} port {src_port}", ""},
    {"sshd", "error: maximum authentication attempts exceeded for {*user} from {src_ip} port {src_port}", ""},
    {"sshd", "Connection closed by invalid user {*user} {src_ip} port {src_port}", ""},
    {"sshd", "Connection closed by authenticating user {*user} {src_ip} port {src_port}", ""},
    {"sshd", "Connection reset by invalid user {*user} {src_ip} port {src_port}", ""},
    {"sshd", "Connection reset by authenticating user {*user} {src_ip} port {src_port}", ""},
    {"sshd", "Disconnected from invalid user {*user} {src_ip} port {src_port}", ""},
    {"sshd", "Disconnected from authenticating user {*user} {src_ip} port {src_port}", ""},
    {"sshd", "Disconnected from user {*user} {src_ip} port {src_port}", ""},
    {"sshd", "Connection from {src_ip} port {src_port}", ""},
    {"sshd", "Connection closed by {src_ip} port {src_port}", ""},
    {"sshd", "Connection reset by {src_ip} port {src_port}", ""},
    {"sshd", "Received disconnect from {src_ip} port {src_port}", ""},
    {"sshd", "Received disconnect from {src_ip}: ", ""},
    {"sshd", "Did not receive identification string from {src_ip} port {src_port}", ""},
    {"sshd", "Did not receive identification string from {src_ip}", ""},
    {"su", "Successful su for {target_user} by {user}", "success"},
    {"su", "FAILED su for {target_user} by {user}", "failure"},
    {"su", "FAILED SU (to {target_user}) {user} on {tty}", "failure"},
    {"su", "(to {target_user}) {user} on {tty}", "success"},
    {"useradd", "new user: name={target_user},", ""},
    {"userdel", "delete user '{target_user}'", ""},
    {"usermod", "change user '{target_user}'", ""},
    {"usermod", "add '{target_user}' to group '{group}'", ""},
    {"groupadd", "new group: name={group},", ""},
    {"passwd", "pam_unix(passwd:chauthtok): password changed for {target_user}", ""},
    {"chpasswd", "pam_unix(chpasswd:chauthtok): password changed for {target_user}", ""},
    {"login", "FAILED LOGIN {} FROM {src_host} FOR {user}, ", "failure"},
    {"systemd-logind", "New session {session} of user {user}.", ""},
};
constexpr std::size_t kMaxCaptures = 5;

struct Capture {
  std::string_view name;
  std::string_view value;
};

// One walk over pattern and message; each literal is searched once.
std::span<const Capture> match(std::string_view pattern, std::string_view message,
                               std::array<Capture, kMaxCaptures>& captures, bool& matched) {
  std::size_t count = 0;
  matched = false;
  while (!pattern.empty()) {
    if (pattern.front() != '{') {
      const std::string_view literal = pattern.substr(0, pattern.find('{'));
      if (!skip(message, literal)) return {};
      pattern.remove_prefix(literal.size());
      continue;
    }
    pattern.remove_prefix(1);
    const bool longest = skip(pattern, "*");
    const std::string_view name = take_until(pattern, '}');
    const std::string_view literal = pattern.empty() ? " " : pattern.substr(0, pattern.find('{'));
    std::size_t end = longest ? message.rfind(literal) : message.find(literal);
    if (longest && literal == " " && end != std::string_view::npos) {
      // "{*user} {src_ip} port ...": the address is the last word before " port ".
      const std::size_t port = message.rfind(" port ");
      if (port == std::string_view::npos || port == 0) return {};
      end = message.rfind(' ', port - 1);
    }
    if (end == std::string_view::npos) {
      if (!pattern.empty()) return {};
      end = message.size();
    }
    if (!name.empty() && count < kMaxCaptures) captures[count++] = {name, message.substr(0, end)};
    message.remove_prefix(end);
  }
  matched = true;
  return std::span<const Capture>(captures).first(count);
}

bool add_from_table(std::string_view appname, std::string_view message, model::Batch& out) {
  std::array<Capture, kMaxCaptures> captures;
  for (const Pattern& entry : kPatterns) {
    if (entry.appname != appname || message.empty() || (entry.pattern[0] != '{' && entry.pattern[0] != message[0])) continue;
    bool matched = false;
    const auto found = match(entry.pattern, message, captures, matched);
    if (!matched) continue;
    for (const Capture& capture : found) {
      const bool port = capture.name == "src_port";
      const std::string_view value =
          port ? capture.value.substr(0, capture.value.find_first_not_of("0123456789")) : capture.value;
      add(out, capture.name, value, port ? type_of(value) : model::ValueType::kText);
    }
    add_if(out, "outcome", entry.outcome);
    return true;
  }
  return false;
}

// "name=value" words of a PAM line; empty where absent.
std::string_view word_value(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    if (at > 0 && text[at - 1] != ' ') continue;
    const std::string_view value = text.substr(at + name.size());
    return value.substr(0, value.find(' '));
  }
  return {};
}

// "authentication failure; logname= uid=0 ... rhost=1.2.3.4  user=root", "session opened for user root(uid=0) by ...".
void add_pam(std::string_view message, model::Batch& out) {
  if (message.starts_with("pam_")) {
    const std::size_t colon = message.find("): ");
    if (colon == std::string_view::npos) return;
    message.remove_prefix(colon + 3);
  }
  if (skip(message, "authentication failure; ")) {
    const std::string_view host = word_value(message, "rhost=");
    add_if(out, "user", word_value(message, "user="));
    add_if(out, looks_like_ip(host) ? "src_ip" : "src_host", host);
    add_if(out, "tty", word_value(message, "tty="));
    add(out, "auth_method", "pam");
    add(out, "outcome", "failure");
  } else if (skip(message, "session opened for user ") || skip(message, "session closed for user ")) {
    const std::string_view user = message.substr(0, message.find_first_of("( "));
    add_if(out, "target_user", user);
    const std::size_t by = message.find(" by ");
    if (by == std::string_view::npos) return;
    message.remove_prefix(by + 4);
    add_if(out, "user", message.substr(0, message.find('(')));
  }
}

// "alice : 1 incorrect password attempt ; TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/sh -c 'a ; b'"
bool add_sudo(std::string_view message, model::Batch& out) {
  message = trim_left(message);
  const std::size_t colon = message.find(" : ");
  if (colon == std::string_view::npos || message.find("COMMAND=") == std::string_view::npos) return false;
  add_if(out, "user", message.substr(0, colon));
  message.remove_prefix(colon + 3);
  bool refused = false;
  while (!message.empty()) {
    const bool command = message.starts_with("COMMAND=");
    const std::size_t end = command ? std::string_view::npos : message.find(" ; ");
    const std::string_view part = trim(message.substr(0, end));
    message.remove_prefix(end == std::string_view::npos ? message.size() : end + 3);
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    if (equals == std::string_view::npos) {
      refused = true;
      add_if(out, "reason", part);
      continue;
    }
    const std::string_view value = part.substr(equals + 1);
    constexpr std::pair<std::string_view, std::string_view> kNames[] = {
        {"TTY", "tty"}, {"PWD", "pwd"}, {"USER", "target_user"}, {"COMMAND", "command"}, {"GROUP", "group"},
        {"TSID", ""},   {"ENV", ""}};
    for (const auto& [native, ours] : kNames) {
      if (native != name) continue;
      add(out, native, value);
      if (!ours.empty()) add(out, ours, value);
    }
  }
  add(out, "outcome", refused ? "failure" : "success");
  return true;
}

// "(root) CMD (command -v x)"
void add_cron(std::string_view message, model::Batch& out) {
  if (!skip(message, "(")) return;
  const std::string_view user = take_until(message, ')');
  if (!skip(message, " CMD (")) return;
  while (!message.empty() && message.back() == ' ') message.remove_suffix(1);
  if (!message.empty() && message.back() == ')') message.remove_suffix(1);
  add(out, "user", user);
  add(out, "command", message);
}

}  // namespace

void add_syslog_extras(std::string_view appname, std::string_view message, model::Batch& out) {
  // "sshd(pam_unix)", "sshd-session", "/usr/sbin/cron".
  const std::size_t slash = appname.rfind('/');
  if (slash != std::string_view::npos) appname.remove_prefix(slash + 1);
  appname = appname.substr(0, appname.find('('));
  if (appname == "sshd-session" || appname == "sshd-auth") appname = "sshd";
  if (appname == "sshd" && message.starts_with("message repeated ")) {  // rsyslog: "message repeated 5 times: [ ... ]"
    const std::size_t inner = message.find(": [ ");
    if (inner != std::string_view::npos) message = message.substr(inner + 4, message.size() - inner - 4);
    if (message.ends_with("]")) message.remove_suffix(1);
  }
  if (appname == "sudo" && add_sudo(message, out)) return;
  if (equal_no_case(appname, "cron") || equal_no_case(appname, "crond")) add_cron(message, out);
  if (!add_from_table(appname, message, out)) add_pam(message, out);
}

}  // namespace tocsin::decode
