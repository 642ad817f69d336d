// Entries as journald's export format. Pure.
#pragma once
#include <string>
#include <string_view>

namespace tocsin::source::journald {

// Appends "KEY=value\n", or "KEY\n<8 bytes: size, little-endian><value>\n" where the value is no plain line of text.
void append_field(std::string& out, std::string_view key, std::string_view value);

}  // namespace tocsin::source::journald
