// The target of a request and the router, on "METHOD target".
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/parts/target.h"
#include "http/router.h"

namespace {
tocsin::http::Router make_router() {
  const auto none = [](const std::shared_ptr<tocsin::http::Exchange>&, const tocsin::http::Captures&) {};
  auto router = tocsin::http::Router::create({{"GET", "/api/v1/findings/{id}", "", "public", "", none},
                                              {"POST", "/api/v1/findings/search", "", "public", "", none},
                                              {"GET", "/static/{path*}", "", "public", "", none}});
  if (!router.ok()) std::abort();
  return std::move(router).value();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return 0;
  const auto target = tocsin::http::parse_target(text.substr(space + 1));
  if (!target.ok()) return 0;
  if (target->path.empty() || target->path[0] != '/' || target->path.find('\0') != std::string::npos) std::abort();
  if ((target->path + "/").find("/../") != std::string::npos) std::abort();
  static const tocsin::http::Router router = make_router();
  const auto match = router.find(text.substr(0, space), target->path);
  if (match.route != nullptr && match.captures.size() > 1) std::abort();
  return 0;
}
