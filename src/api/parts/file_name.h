// Names of files that people give: made fit to be shown, and to be written into a header. Pure.
#pragma once
#include <string>
#include <string_view>

namespace tocsin::api {

inline constexpr std::size_t kMaxFileNameBytes = 200;

// What is behind the last / or \, without control characters, marks of direction and spaces or dots at its ends; bytes
// that are not UTF-8 become '_'; cut at a character, the ending kept. Empty where nothing is left.
std::string clean_file_name(std::string_view name);

// "attachment; filename=\"...\"; filename*=UTF-8''...": RFC 6266, RFC 8187. REQUIRES: a clean name.
std::string attachment_header(std::string_view name);

// "text/plain" of "text/plain; charset=utf-8" where it is one, else "application/octet-stream".
std::string clean_media_type(std::string_view header);

}  // namespace tocsin::api
