// The files of a rule package, from a zip (or any archive) or a folder: only what is to be installed, in memory.
//
// Everything in a package is hostile: names decide where files go, so one name that is absolute, climbs or cannot be a
// file refuses the whole package; sizes and counts are bounded. Taken are YAML files that hold a rule, licences and the
// version file. One thread.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::cli {

// SigmaHQ's whole release is 4 MB zipped, 14 MB in 3,800 files.
inline constexpr std::size_t kMaxPackageBytes = 256u << 20;
inline constexpr std::size_t kMaxPackageFileBytes = 4u << 20;
inline constexpr std::size_t kMaxPackageUnpackedBytes = 512u << 20;
inline constexpr std::size_t kMaxPackageFiles = 100'000;  // Looked at, whether taken or not.
inline constexpr std::size_t kMaxPackagePathBytes = 512;
inline constexpr std::size_t kMaxPackagePathParts = 24;

struct PackageFiles {
  std::map<std::string, std::string> files;  // Path below the package's folder -> bytes. '/' between parts.
  std::uint64_t rule_files = 0, skipped_files = 0;
  std::string version;  // As the package's version file says; empty where it does not.
};

core::Result<PackageFiles> read_package_archive(const std::string& name, std::string_view bytes);
core::Result<PackageFiles> read_package_folder(const std::string& folder);

// Over paths and bytes in order: the checksum of a folder.
std::string checksum_of(const PackageFiles& package);

// Empty where a file of that path may be written below a folder; else what is wrong with it.
std::string path_problem(std::string_view path);

// "r2026-08-01", "2026-08-01" or "1.2.3" found in a version file; empty where there is none.
std::string version_in(std::string_view text);

}  // namespace tocsin::cli
