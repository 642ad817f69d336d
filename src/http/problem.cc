#include "http/problem.h"

#include "core/json_writer.h"

namespace tocsin::http {
namespace {

int status_of(core::ErrorCode code) {
  switch (code) {
    case core::ErrorCode::kInvalid: return 400;
    case core::ErrorCode::kNotFound: return 404;
    case core::ErrorCode::kUnsupported: return 422;
    case core::ErrorCode::kLimit: return 413;
    case core::ErrorCode::kDenied: return 403;
    case core::ErrorCode::kIo: return 503;
  }
  return 500;
}

struct Phrase {
  int status;
  const char* text;
};
constexpr Phrase kPhrases[] = {{200, "OK"},
                               {201, "Created"},
                               {202, "Accepted"},
                               {204, "No Content"},
                               {206, "Partial Content"},
                               {301, "Moved Permanently"},
                               {302, "Found"},
                               {303, "See Other"},
                               {304, "Not Modified"},
                               {307, "Temporary Redirect"},
                               {308, "Permanent Redirect"},
                               {400, "Bad Request"},
                               {401, "Unauthorized"},
                               {403, "Forbidden"},
                               {404, "Not Found"},
                               {405, "Method Not Allowed"},
                               {406, "Not Acceptable"},
                               {408, "Request Timeout"},
                               {409, "Conflict"},
                               {410, "Gone"},
                               {411, "Length Required"},
                               {412, "Precondition Failed"},
                               {413, "Content Too Large"},
                               {414, "URI Too Long"},
                               {415, "Unsupported Media Type"},
                               {416, "Range Not Satisfiable"},
                               {417, "Expectation Failed"},
                               {422, "Unprocessable Content"},
                               {423, "Locked"},
                               {428, "Precondition Required"},
                               {429, "Too Many Requests"},
                               {431, "Request Header Fields Too Large"},
                               {500, "Internal Server Error"},
                               {501, "Not Implemented"},
                               {502, "Bad Gateway"},
                               {503, "Service Unavailable"},
                               {504, "Gateway Timeout"},
                               {505, "HTTP Version Not Supported"},
                               {507, "Insufficient Storage"}};

}  // namespace

const char* reason_phrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Status";
}

Response problem_response(const Problem& problem) {
  Response response;
  response.status = problem.status;
  response.content_type = "application/problem+json";
  core::JsonWriter json(response.body);
  json.begin_object();
  json.member("type", problem.type);
  json.member("title", problem.title.empty() ? std::string_view(reason_phrase(problem.status)) : problem.title);
  json.key("status").number(problem.status);
  json.member_if("detail", problem.detail);
  json.member_if("instance", problem.instance);
  for (const auto& [name, value] : problem.extensions) json.member(name, value);
  json.end_object();
  return response;
}

Response problem_response(int status, std::string_view detail, std::string_view instance) {
  Problem problem;
  problem.status = status;
  problem.detail = detail;
  problem.instance = instance;
  return problem_response(problem);
}

Response problem_response(const core::Error& error, std::string_view instance) {
  return problem_response(status_of(error.code), error.text, instance);
}

}  // namespace tocsin::http
