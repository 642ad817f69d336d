// One line of an Apache or nginx access log (common, combined, with a virtual host in front). Pure.
#pragma once
#include <string_view>

#include "core/time.h"
#include "model/event.h"

namespace tocsin::decode::text {

struct AccessLine {
  std::string_view vhost, client, user, stamp, request, status, bytes, referer, agent, rest;
};

// False where the line has not the structure: words, [time], "request", status, bytes.
bool split_access_line(std::string_view line, AccessLine& parts);

// Adds the fields to the open event and sets `time`; false where it is no such line (nothing is added).
bool add_access_log_fields(std::string_view line, model::Batch& out, core::Timestamp& time);

}  // namespace tocsin::decode::text
