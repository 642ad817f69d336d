// Audit's own rules of writing: a value that holds a quote, a space or a control byte is written as unquoted hex, any
// other value of such a field in quotes. Which fields these are is fixed (kEncoded); the hex-looking a0-a3 of SYSCALL
// are numbers, those of EXECVE are text. Example:
//   type=EXECVE msg=audit(1364481363.243:24287): argc=3 a0="sh" a1="-c" a2=6C73202F
//     -> type=EXECVE argc=3 a0=sh a1=-c a2="ls /" CommandLine="sh -c ls /"
// Long arguments come in pieces, a1_len=9000 a1[0]=... a1[1]=..., over several records.
#include "decode/text/audit_record.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "decode/text/fields.h"

namespace tocsin::decode::text {
namespace {

using model::ValueType;

constexpr std::string_view kEncoded[] = {
    "acct",    "cmd",  "comm",        "cwd",      "data",   "device",  "dir",       "exe",         "file",     "grp",
    "key",     "name", "new-chardev", "new-disk", "new-fs", "new-rng", "ocomm",     "old-chardev", "old-disk", "old-fs",
    "old-rng", "path", "proctitle",   "vm",       "watch",  "sw",      "new_group", "id_name"};

constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{"1006", "LOGIN"},
                                                                    {"1100", "USER_AUTH"},
                                                                    {"1101", "USER_ACCT"},
                                                                    {"1103", "CRED_ACQ"},
                                                                    {"1104", "CRED_DISP"},
                                                                    {"1105", "USER_START"},
                                                                    {"1106", "USER_END"},
                                                                    {"1107", "USER_AVC"},
                                                                    {"1108", "USER_CHAUTHTOK"},
                                                                    {"1110", "CRED_REFR"},
                                                                    {"1112", "USER_LOGIN"},
                                                                    {"1113", "USER_LOGOUT"},
                                                                    {"1114", "ADD_USER"},
                                                                    {"1115", "DEL_USER"},
                                                                    {"1116", "ADD_GROUP"},
                                                                    {"1117", "DEL_GROUP"},
                                                                    {"1123", "USER_CMD"},
                                                                    {"1124", "USER_TTY"},
                                                                    {"1127", "SYSTEM_BOOT"},
                                                                    {"1130", "SERVICE_START"},
                                                                    {"1131", "SERVICE_STOP"},
                                                                    {"1300", "SYSCALL"},
                                                                    {"1302", "PATH"},
                                                                    {"1303", "IPC"},
                                                                    {"1304", "SOCKETCALL"},
                                                                    {"1305", "CONFIG_CHANGE"},
                                                                    {"1306", "SOCKADDR"},
                                                                    {"1307", "CWD"},
                                                                    {"1309", "EXECVE"},
                                                                    {"1318", "OBJ_PID"},
                                                                    {"1319", "TTY"},
                                                                    {"1320", "EOE"},
                                                                    {"1321", "BPRM_FCAPS"},
                                                                    {"1322", "CAPSET"},
                                                                    {"1323", "MMAP"},
                                                                    {"1325", "NETFILTER_CFG"},
                                                                    {"1326", "SECCOMP"},
                                                                    {"1327", "PROCTITLE"},
                                                                    {"1328", "FEATURE_CHANGE"},
                                                                    {"1330", "KERN_MODULE"},
                                                                    {"1334", "BPF"},
                                                                    {"1400", "AVC"},
                                                                    {"1403", "MAC_POLICY_LOAD"},
                                                                    {"1404", "MAC_STATUS"},
                                                                    {"1700", "ANOM_PROMISCUOUS"},
                                                                    {"1701", "ANOM_ABEND"}};

bool encoded(std::string_view name) { return std::ranges::find(kEncoded, name) != std::end(kEncoded); }

bool name_char(char c) {
  return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '[' || c == ']' || c == '@' || c == '/';
}

// "1364481363.243" or, from ausearch -i, "03/28/2013 14:36:03.243".
core::Timestamp stamp_time(std::string_view text) {
  if (text.find('/') == std::string_view::npos) {
    const auto time = text.size() <= 14 ? core::parse_any_time(text) : std::nullopt;
    return time ? *time : core::kNoTime;
  }
  if (text.size() < 19 || text[2] != '/' || text[5] != '/' || text[10] != ' ') return core::kNoTime;
  std::string iso;
  iso.append(text.substr(6, 4))
      .append("-")
      .append(text.substr(0, 2))
      .append("-")
      .append(text.substr(3, 2))
      .append(text.substr(10));
  const auto time = core::parse_iso_time(iso);
  return time ? *time : core::kNoTime;
}

// "a12" -> 12; no argument name: -1.
int argument_index(std::string_view name) {
  if (name.size() < 2 || name.size() > 6 || name[0] != 'a') return -1;
  const auto index = to_number(name.substr(1));
  return index && is_digit(name[1]) ? static_cast<int>(*index) : -1;
}

}  // namespace

std::string_view audit_type_name(std::string_view number) {
  for (const auto& [value, name] : kTypes) {
    if (value == number) return name;
  }
  return number;
}

bool find_audit_record(std::string_view line, AuditHead& head) {
  const std::size_t at = line.substr(0, kMaxPrefixBytes + 128).find("audit(");
  if (at == std::string_view::npos) return false;
  std::string_view before = line.substr(0, at);
  const std::size_t type_at = before.rfind("type=");
  if (type_at == std::string_view::npos || (type_at > 0 && !is_space(before[type_at - 1]))) return false;
  std::string_view type = before.substr(type_at + 5);
  const std::size_t type_end = type.find(' ');
  if (type_end == std::string_view::npos || type_end == 0) return false;
  const std::string_view between = trim(type.substr(type_end));
  if (!between.empty() && between != "msg=") return false;
  const std::size_t close = line.find(')', at);
  if (close == std::string_view::npos || close - at > 64) return false;
  const std::string_view stamp = line.substr(at + 6, close - at - 6);
  const std::size_t colon = stamp.rfind(':');
  const auto serial = colon == std::string_view::npos ? std::nullopt : to_number(stamp.substr(colon + 1));
  if (!serial) return false;
  head = {};
  head.type = audit_type_name(type.substr(0, type_end));
  head.stamp = stamp;
  head.serial = *serial;
  head.time = stamp_time(stamp.substr(0, colon));
  head.interpreted = stamp.find('/') != std::string_view::npos;
  head.prefix = trim(before.substr(0, type_at));
  head.body = line.substr(close + 1);
  if (!skip(head.body, ":")) skip(head.body, " :");
  head.body = trim(head.body);
  const std::size_t node = head.prefix.rfind("node=");
  if (node != std::string_view::npos && (node == 0 || head.prefix[node - 1] == ' ')) {
    head.node = head.prefix.substr(node + 5);
    head.prefix = trim(head.prefix.substr(0, node));
  }
  return true;
}

std::string_view AuditFields::decoded(std::string_view value, bool quoted) {
  if (quoted || interpreted_) return value;
  const auto bytes = unhex(value, out_.arena());
  return bytes ? clean_utf8(*bytes, out_.arena()) : value;
}

// EXECVE: a0, a1_len, a1[0].
bool AuditFields::add_argument(std::string_view name, std::string_view value, bool quoted) {
  const std::size_t bracket = name.find('[');
  if (argument_index(name.substr(0, bracket)) < 0)
    return name.ends_with("_len") && argument_index(name.substr(0, name.size() - 4)) >= 0;
  if (bracket == std::string_view::npos) {
    flush_pieces();
    add(out_, name, decoded(value, quoted));
  } else {
    const auto bytes = quoted || interpreted_ ? std::nullopt : unhex(value, out_.arena());
    add_piece(name.substr(0, bracket), bytes ? *bytes : value);
  }
  return true;
}

void AuditFields::add_piece(std::string_view name, std::string_view value) {
  if (piece_name_ != name) flush_pieces();
  piece_name_ = name;
  pieces_ += value;
}

void AuditFields::flush_pieces() {
  if (!piece_name_.empty()) add(out_, piece_name_, clean_utf8(out_.arena().copy(pieces_), out_.arena()));
  piece_name_.clear();
  pieces_.clear();
}

// The bytes of a struct sockaddr, under the names auditd's own interpretation uses.
void AuditFields::add_address(std::string_view hex) {
  const auto bytes = unhex(hex, out_.arena());
  if (!bytes || bytes->size() < 8) return;
  const auto at = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>((*bytes)[i])); };
  const unsigned family = at(0) + at(1) * 256;
  std::string address;
  if (family == 2) {
    for (std::size_t i = 4; i < 8; ++i) address.append(i == 4 ? "" : ".").append(std::to_string(at(i)));
  } else if (family == 10 && bytes->size() >= 24) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = 8; i < 24; i += 2) {
      std::string group;
      for (const unsigned byte : {at(i), at(i + 1)}) group.append({kDigits[byte / 16], kDigits[byte % 16]});
      const std::size_t digit = group.find_first_not_of('0');
      address.append(i == 8 ? "" : ":").append(digit == std::string::npos ? "0" : group.substr(digit));
    }
  } else {
    if (family == 1) add_if(out_, "path", clean_utf8(bytes->substr(2, bytes->find('\0', 2) - 2), out_.arena()));
    return;
  }
  add(out_, "saddr_fam", family == 2 ? "inet" : "inet6");
  add(out_, "laddr", out_.arena().copy(address));
  add(out_, "lport", number_text(at(2) * 256 + at(3), out_.arena()), ValueType::kNumber);
}

void AuditFields::add_pair(std::string_view type, std::string_view name, std::string_view value, bool quoted) {
  if (value == "(null)") return add(out_, name, {}, ValueType::kNull);
  if (type == "EXECVE" && add_argument(name, value, quoted)) return;
  flush_pieces();
  if (!encoded(name)) return add(out_, name, value, quoted ? ValueType::kText : type_of(value));
  std::string_view text = decoded(value, quoted);
  if (name == "key") {  // Several keys are separated by 0x01.
    do add(out_, name, take_until(text, '\x01'));
    while (!text.empty());
    return;
  }
  if (name == "proctitle" && text.find('\0') != std::string_view::npos) {
    char* const spaced = out_.arena().allocate(text.size());
    std::ranges::replace_copy(text, spaced, '\0', ' ');
    text = {spaced, text.size()};
  }
  add(out_, name, text);
}

void AuditFields::add_pairs(std::string_view type, std::string_view text, bool inner) {
  while (!(text = trim_left(text)).empty()) {
    std::size_t length = text.front() == '(' ? 1 : 0;
    const std::size_t start = length;
    while (length < text.size() && name_char(text[length])) ++length;
    if (length == start || length >= text.size() || text[length] != '=') {
      const std::string_view word = take_until(text, ' ');
      free_text_ = free_text_ || (word != "}" && word != "{" && word != ":");
      continue;
    }
    const std::string_view name = text.substr(start, length - start);
    text.remove_prefix(length + 1);
    const char quote = text.empty() ? ' ' : text.front();
    if (quote == '"' || (quote == '\'' && !inner)) {
      const std::size_t end = text.find(quote, 1);
      const std::string_view value = text.substr(1, end == std::string_view::npos ? end : end - 1);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (quote == '\'' && name == "msg") {
        add_pairs(type, value, true);
      } else {
        add_pair(type, name, value, true);
      }
      continue;
    }
    if (text.starts_with("{ ")) continue;  // SADDR={ saddr_fam=inet laddr=10.0.0.1 }: the pairs inside follow.
    std::string_view value = text.substr(0, text.find_first_of(" \x1d"));
    text.remove_prefix(value.size());
    while (!value.empty() && (value.back() == ',' || (value.back() == ')' && value.front() != '('))) value.remove_suffix(1);
    add_pair(type, name, value, false);
  }
}

void AuditFields::add_record(const AuditHead& head) {
  if (head.type != "EXECVE") flush_pieces();
  add(out_, "type", head.type);
  free_text_ = false;
  interpreted_ = head.interpreted;
  // Behind 0x1D stand the names auditd found for the numbers ("enriched").
  const std::size_t tail = head.body.find('\x1d');
  const std::string_view main = head.body.substr(0, tail);
  add_pairs(head.type, main, false);
  if (free_text_) add(out_, "message", main);
  if (tail != std::string_view::npos) add_pairs(head.type, head.body.substr(tail + 1), false);
  if (head.type == "SOCKADDR" && head.body.find("SADDR=") == std::string_view::npos && main.starts_with("saddr=")) {
    add_address(main.substr(6, main.find(' ', 6) - 6));
  }
}

void AuditFields::finish() {
  flush_pieces();
  std::size_t size = 0, argument_count = 0;
  std::string_view arch, syscall, proctitle;
  bool named = false, in_execve = false;
  const auto visit = [&](const auto& use) {
    std::string_view type;
    for (const model::Field& field : out_.open_fields().subspan(first_)) {
      const std::string_view name = out_.name(field.name);
      if (name == "type") type = field.text;
      use(type, name, field.text);
    }
  };
  visit([&](std::string_view type, std::string_view name, std::string_view value) {
    in_execve = type == "EXECVE" && argument_index(name) >= 0;
    if (in_execve) {
      size += value.size() + 1;
      ++argument_count;
    }
    if (name == "arch" && arch.empty()) arch = value;
    if (name == "syscall" && syscall.empty()) syscall = value;
    if (name == "proctitle" && proctitle.empty()) proctitle = value;
    named = named || name == "SYSCALL";
  });
  if (argument_count > 0) {
    char* const line = out_.arena().allocate(size);
    char* next = line;
    visit([&](std::string_view type, std::string_view name, std::string_view value) {
      if (type != "EXECVE" || argument_index(name) < 0) return;
      if (next != line) *next++ = ' ';
      next = std::ranges::copy(value, next).out;
    });
    add(out_, "CommandLine", {line, static_cast<std::size_t>(next - line)});
  } else if (!proctitle.empty()) {
    add(out_, "CommandLine", proctitle);
  }
  const auto number = to_number(syscall);
  const std::string_view name = number ? syscall_name(arch, *number) : syscall;
  if (!name.empty()) {
    if (!named) add(out_, "SYSCALL", name);
    if (number) add(out_, "syscall", name);
  }
  group_lists(out_, first_);
}

}  // namespace tocsin::decode::text
