// Canonical text of a record, version 1:
//
//   tocsin-audit-1 64:<previous hash> 1:7 19:<time in ns> 5:alice 8:login.ok 0: 9:127.0.0.1 2:{}
//
// fields in the order previous_hash, sequence, time, actor, action, object, address, detail; each is its length in bytes, a
// colon and the bytes, with one space in front.
#include "ledger/audit_chain.h"

#include <sodium.h>

#include <array>
#include <string_view>

namespace tocsin::ledger {

std::string audit_genesis() { return std::string(2 * crypto_hash_sha256_BYTES, '0'); }

std::string audit_hash(const AuditRecord& record) {
  std::string text = "tocsin-audit-1";
  const auto add = [&text](std::string_view field) {
    text.append(" ").append(std::to_string(field.size())).append(":").append(field);
  };
  add(record.previous_hash);
  add(std::to_string(record.sequence));
  add(std::to_string(record.entry.time.ns));
  add(record.entry.actor);
  add(record.entry.action);
  add(record.entry.object);
  add(record.entry.address);
  add(record.entry.detail);
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return hex.data();
}

}  // namespace tocsin::ledger
