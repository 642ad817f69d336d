// Text from events made safe and fitting for a terminal.
//
// Log content is hostile: it may hold terminal escapes, control characters, bidirectional overrides and bytes that are no
// UTF-8. What comes out of shown_text is printable, one line, and reads left to right. Pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.h"

namespace tocsin::cli {

// Escapes what a terminal might obey or hide: "\n", "\x1b", "\u{202e}"; a byte that is no UTF-8 becomes "\xff".
// A backslash stays as it is: this is for reading, not for parsing back.
std::string shown_text(std::string_view text);

// Columns on a terminal: 2 for East Asian wide characters and emoji, 0 for combining marks. REQUIRES: shown_text.
std::size_t column_count(std::string_view shown);

// Cut to at most `columns`, the last one then being an ellipsis.
std::string cut_to(std::string_view shown, std::size_t columns);
// Cut and filled with spaces to exactly `columns`.
std::string fit_to(std::string_view shown, std::size_t columns);

// "1,234,567".
std::string grouped(std::uint64_t number);
// "2026-01-02 03:04:05" (UTC), or "-" where not known.
std::string shown_time(core::Timestamp time);

}  // namespace tocsin::cli
