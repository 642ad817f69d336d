#include "http/parts/head_text.h"

#include <ctime>

#include "http/problem.h"

namespace tocsin::http {
namespace {

void add_header(std::string_view name, std::string_view value, std::string& out) {
  const auto add = [&out](std::string_view text) {
    for (const char c : text) out += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
  };
  add(name);
  out += ": ";
  add(value);
  out += "\r\n";
}

// IMF-fixdate, RFC 9110 section 5.6.7.
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char rest[32];
  const std::size_t size = std::strftime(rest, sizeof rest, "%Y %H:%M:%S GMT", &parts);
  const std::string day = (parts.tm_mday < 10 ? "0" : "") + std::to_string(parts.tm_mday);
  return std::string(kDays[parts.tm_wday]) + ", " + day + " " + kMonths[parts.tm_mon] + " " + std::string(rest, size);
}

}  // namespace

std::string head_text(const Response& response, Body body, bool keep_alive) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " + reason_phrase(response.status) + "\r\n";
  add_header("Date", http_date(), out);
  if (body != Body::kNone && !response.content_type.empty()) add_header("Content-Type", response.content_type, out);
  if (body == Body::kLength) add_header("Content-Length", std::to_string(response.body.size()), out);
  if (body == Body::kChunked) add_header("Transfer-Encoding", "chunked", out);
  add_header("Connection", keep_alive ? "keep-alive" : "close", out);
  for (const auto& [name, value] : response.headers) add_header(name, value, out);
  return out + "\r\n";
}

}  // namespace tocsin::http
