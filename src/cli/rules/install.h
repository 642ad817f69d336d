// `tocsin rules install sigmahq`: a package of rules into a folder of its own.
//
// <to>/sigmahq/<version>/ holds one version, complete or not at all; <to>/sigmahq/current is a link to the one in use,
// switched in one step. What is there is never changed: a version that is installed already is left as it is, and
// anything named `current` that is not such a link refuses the installation.
#pragma once
#include <cstdint>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace tocsin::cli {

inline constexpr const char* kSigmaHqPackage =
    "https://github.com/SigmaHQ/sigma/releases/latest/download/sigma_all_rules.zip";

struct InstallOptions {
  std::string from;             // https:// address, archive or folder; empty: kSigmaHqPackage.
  std::string to;               // Folder of all packages; made where it is missing.
  std::string expected_sha256;  // Refuse anything else; empty: take what comes.
  core::Timestamp now;          // For the name of a version that does not tell its own.
};

struct Installed {
  std::string folder;   // <to>/sigmahq/<version>
  std::string current;  // <to>/sigmahq/current
  std::string version, sha256;
  std::uint64_t rule_files = 0, skipped_files = 0;
  bool was_there = false;
};

core::Result<Installed> install_sigmahq(const InstallOptions& options);

// Where packages go by default: /var/lib/tocsin/rules for root, else under XDG_DATA_HOME or HOME. Reads the environment.
core::Result<std::string> default_rules_folder();

}  // namespace tocsin::cli
