// Errors to a client as problem documents (RFC 9457, application/problem+json).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "http/server.h"

namespace tocsin::http {

struct Problem {
  int status = 500;
  std::string type = "about:blank";
  std::string title;     // Empty: the reason phrase of the status.
  std::string detail;    // Left out where empty, as is instance.
  std::string instance;  // Usually the path of the request.
  std::vector<std::pair<std::string, std::string>> extensions;
};

Response problem_response(const Problem& problem);
Response problem_response(int status, std::string_view detail, std::string_view instance = {});
// The status by the code: 400, 404, 422 (unsupported), 413 (limit), 403, 503 (io).
Response problem_response(const core::Error& error, std::string_view instance = {});

// "Not Found"; "Status" where it is not one we use.
const char* reason_phrase(int status);

}  // namespace tocsin::http
