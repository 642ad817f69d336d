// The head of an answer as text. Pure functions.
#pragma once
#include <cstdint>
#include <string>

#include "http/server.h"

namespace tocsin::http {

enum class Body { kLength, kChunked, kUntilClose, kNone };
// Control characters in names and values become spaces, so that no value can begin a header of its own.
std::string head_text(const Response& response, Body body, bool keep_alive);

}  // namespace tocsin::http
