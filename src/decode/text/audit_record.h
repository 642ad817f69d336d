// One Linux audit record (a line "type=X msg=audit(1364481363.243:24287): key=value ...") to fields.
//
// Pure. Used for audit logs, where the records of one serial become one event, and for single records in syslog.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.h"
#include "model/event.h"

namespace tocsin::decode::text {

struct AuditHead {
  std::string_view node;   // "" where the line has none.
  std::string_view type;   // "SYSCALL"; numbers of known types are translated.
  std::string_view stamp;  // "1364481363.243:24287", as written: the records of one event share it.
  std::uint64_t serial = 0;
  core::Timestamp time;
  bool interpreted = false;  // Written by ausearch -i: values are plain, none is hex.
  std::string_view prefix;   // What stands before: a syslog header.
  std::string_view body;     // Behind "): ".
};

// False where the line holds no audit record. The record may stand behind a syslog header ("... audispd: ",
// "... kernel: audit: ") at most kMaxPrefixBytes long.
bool find_audit_record(std::string_view line, AuditHead& head);
inline constexpr std::size_t kMaxPrefixBytes = 256;

// The name of a numeric record type ("1300" -> "SYSCALL"), or the number itself.
std::string_view audit_type_name(std::string_view number);

// Adds the fields of records to the open event; finish() after the last one adds what follows from all of them
// (CommandLine, SYSCALL) and makes lists of repeated names.
class AuditFields {
 public:
  explicit AuditFields(model::Batch& out) : out_(out), first_(out.open_fields().size()) {}
  void add_record(const AuditHead& head);  // Uses type, body and interpreted.
  void finish();

 private:
  void add_pairs(std::string_view type, std::string_view text, bool inner);
  void add_pair(std::string_view type, std::string_view name, std::string_view value, bool quoted);
  bool add_argument(std::string_view name, std::string_view value, bool quoted);
  void add_piece(std::string_view name, std::string_view value);
  void flush_pieces();
  void add_address(std::string_view hex);
  std::string_view decoded(std::string_view value, bool quoted);

  model::Batch& out_;
  std::size_t first_;
  bool free_text_ = false;
  bool interpreted_ = false;
  // A long EXECVE argument that comes in pieces.
  std::string piece_name_;
  std::string pieces_;
};

// The name of a system call; "" where the table does not know it. `arch` as audit writes it ("c000003e", "x86_64",
// "c00000b7", "aarch64").
std::string_view syscall_name(std::string_view arch, std::uint64_t number);

}  // namespace tocsin::decode::text
