// Files of a backup: copied, listed, summed. Nothing follows a symbolic link.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::app::backup {

inline constexpr std::size_t kMaxFiles = 5'000'000;  // A part of the store has some 100; a year has 10,000s of them.
inline constexpr std::size_t kMaxCopiedFiles = 100'000;
inline constexpr std::size_t kMaxTextBytes = 1u << 30;  // Of SHA256SUMS.

core::Error io_error(std::string_view verb, const std::string& path, int error_number);
core::Result<void> write_text(const std::string& path, std::string_view text);  // New, mode 0600, synced.
core::Result<std::string> read_text(const std::string& path, std::size_t max_bytes);
core::Result<void> copy_file(const std::string& from, const std::string& to);  // New, mode 0600, synced.
// Its files; nothing where it is absent. kLimit: more than `max_files`.
core::Result<void> copy_folder(const std::string& from, const std::string& to, std::size_t max_files = kMaxCopiedFiles);
core::Result<void> sync_file_system(const std::string& folder);
// What may be in a data folder that is otherwise empty, and stays: the store's engine, and what mkfs makes.
bool stays(std::string_view name);
// True where there is nothing else in it, or no such folder.
core::Result<bool> is_empty(const std::string& folder);

// The regular files below, by path from `folder`, with their sizes. Anything else there is kInvalid.
core::Result<std::map<std::string, std::uint64_t>> list_files(const std::string& folder);
core::Result<std::string> sha256_of(const std::string& path);  // Lower-case hex.

}  // namespace tocsin::app::backup
