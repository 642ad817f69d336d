// Files that only the owner may read: keys, tokens, credentials.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"

namespace tocsin::app {

// Mode 0600; written aside and renamed, so that no half file is ever read.
core::Result<void> write_private_file(const std::string& path, std::string_view bytes);
// With mode 0700; those on the way as the system makes them.
core::Result<void> make_private_folder(const std::string& path);

}  // namespace tocsin::app
