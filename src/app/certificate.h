// The program's own certificate, made where there is none: ECDSA P-256, self-signed, for this host's names and addresses.
#pragma once
#include <string>
#include <vector>

#include "api/platform.h"
#include "core/result.h"
#include "core/time.h"

namespace tocsin::app {

struct CertificateFiles {
  std::string certificate, key;  // PEM; the key has mode 0600.
};
// In `folder` (made where absent): what is there, where it is still good for 30 days; else a new one for 397 days. The
// SHA-256 fingerprint is in describe_certificate.
core::Result<CertificateFiles> own_certificate(const std::string& folder, const std::vector<std::string>& names,
                                               core::Timestamp now);
// What this host may be called: "localhost", its name, its addresses. At most 32.
std::vector<std::string> host_names();
// kInvalid: one cannot be read, the key is another certificate's, or needs a passphrase.
core::Result<void> check_certificate_pair(const std::string& certificate, const std::string& key);
core::Result<api::Certificate> describe_certificate(const std::string& name, const std::string& path);

}  // namespace tocsin::app
