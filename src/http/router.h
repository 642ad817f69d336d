// Which handler answers which method and path, as one table: serving, the check of rights and the OpenAPI text all read it.
//
// Immutable once made, any number of threads. Patterns are literal segments, "{name}" for one segment that is not empty,
// and as the last one "{name*}" for all the rest, slashes and all, even nothing. Where several patterns fit, a literal
// goes before "{name}" and that before "{name*}", from the left. HEAD is answered by GET where it has no route of its own.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "http/server.h"

namespace tocsin::http {

using Captures = std::map<std::string, std::string>;
using RouteHandler = std::function<void(std::shared_ptr<Exchange>, const Captures&)>;

struct Route {
  std::string method;   // "GET"
  std::string pattern;  // "/api/v1/findings/{id}"
  std::string summary;
  std::string right;  // What the caller must hold; never empty. "public" is for everybody, by the one who checks.
  std::string tag;
  RouteHandler handler;
};

struct RouteMatch {
  const Route* route = nullptr;  // Null: `allowed` is empty (404) or says what the path takes (405).
  Captures captures;
  std::vector<std::string> allowed;  // Sorted, each once; with HEAD where there is GET.
};

// False where it has answered itself.
using Gate = std::function<bool(const Route&, const std::shared_ptr<Exchange>&)>;

class Router {
 public:
  // Refused (invalid): a malformed pattern, a right that is not named, no handler, two routes of one method for the same
  // paths.
  static core::Result<Router> create(std::vector<Route> routes);

  // REQUIRES: `path` is decoded. The result is valid as long as the router.
  [[nodiscard]] RouteMatch find(std::string_view method, std::string_view path) const;
  // Answers 404 and 405 (with Allow) itself; asks `gate`, where there is one, before the handler.
  void serve(const std::shared_ptr<Exchange>& exchange, const Gate& gate = {}) const;
  // In the order in which they are tried.
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Segment {
    enum class Kind { kLiteral, kOne, kRest } kind = Kind::kLiteral;
    std::string text;  // The literal, or the name.
  };
  using Pattern = std::vector<Segment>;
  static core::Result<Pattern> parse(const Route& route);
  static std::string order_of(const Pattern& pattern);
  static bool fits(const Pattern& pattern, const std::vector<std::string_view>& segments, std::string_view path,
                   Captures& out);

  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;
};

}  // namespace tocsin::http
