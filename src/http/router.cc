#include "http/router.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "http/problem.h"

namespace tocsin::http {
namespace {

// "/a/b" -> "a", "b"; "/" -> "".
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    out.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

core::Error refused(const Route& route, const char* why) {
  return {core::ErrorCode::kInvalid, "route " + route.method + " " + route.pattern + ": " + why};
}

}  // namespace

core::Result<Router::Pattern> Router::parse(const Route& route) {
  if (route.method.empty()) return refused(route, "it has no method");
  if (route.right.empty()) return refused(route, "it names no right");
  if (!route.handler) return refused(route, "it has no handler");
  if (route.pattern.empty() || route.pattern[0] != '/') return refused(route, "the pattern does not begin with '/'");
  Pattern pattern;
  std::set<std::string> names;
  for (const std::string_view text : split(route.pattern)) {
    if (!pattern.empty() && pattern.back().kind == Segment::Kind::kRest)
      return refused(route, "there is more behind {name*}");
    Segment segment{Segment::Kind::kLiteral, std::string(text)};
    if (text.size() >= 3 && text.front() == '{' && text.back() == '}') {
      const bool rest = text[text.size() - 2] == '*';
      segment.kind = rest ? Segment::Kind::kRest : Segment::Kind::kOne;
      segment.text = text.substr(1, text.size() - (rest ? 3 : 2));
      if (segment.text.empty()) return refused(route, "a capture has no name");
      if (!names.insert(segment.text).second) return refused(route, "two captures have one name");
    }
    if (segment.text.find_first_of("{}") != std::string::npos) return refused(route, "a brace is out of place");
    pattern.push_back(std::move(segment));
  }
  return pattern;
}

// Sorts as patterns are tried; equal for patterns that fit the same paths.
std::string Router::order_of(const Pattern& pattern) {
  std::string out;
  for (const Segment& segment : pattern) {
    switch (segment.kind) {
      case Segment::Kind::kLiteral: out += '\1' + segment.text; break;
      case Segment::Kind::kOne: out += '\2'; break;
      case Segment::Kind::kRest: out += '\3'; break;
    }
  }
  return out;
}

core::Result<Router> Router::create(std::vector<Route> routes) {
  std::vector<Pattern> patterns;
  std::vector<std::string> orders;
  std::set<std::pair<std::string, std::string>> seen;
  for (const Route& route : routes) {
    patterns.push_back(TOCSIN_TRY(parse(route)));
    orders.push_back(order_of(patterns.back()));
    if (!seen.emplace(orders.back(), route.method).second) return refused(route, "another route has its method and paths");
  }
  std::vector<std::size_t> by_order(routes.size());
  std::iota(by_order.begin(), by_order.end(), std::size_t{0});
  std::stable_sort(by_order.begin(), by_order.end(), [&](std::size_t a, std::size_t b) { return orders[a] < orders[b]; });
  Router out;
  for (const std::size_t index : by_order) {
    out.routes_.push_back(std::move(routes[index]));
    out.patterns_.push_back(std::move(patterns[index]));
  }
  return out;
}

bool Router::fits(const Pattern& pattern, const std::vector<std::string_view>& segments, std::string_view path,
                  Captures& out) {
  const bool rest = pattern.back().kind == Segment::Kind::kRest;
  if (rest ? segments.size() < pattern.size() : segments.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const Segment& segment = pattern[i];
    if (segment.kind == Segment::Kind::kLiteral && segment.text != segments[i]) return false;
    if (segment.kind == Segment::Kind::kOne && segments[i].empty()) return false;
  }
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].kind == Segment::Kind::kOne) out.emplace(pattern[i].text, segments[i]);
    if (pattern[i].kind == Segment::Kind::kRest) {
      out.emplace(pattern[i].text, path.substr(static_cast<std::size_t>(segments[i].data() - path.data())));
    }
  }
  return true;
}

RouteMatch Router::find(std::string_view method, std::string_view path) const {
  RouteMatch out;
  if (path.empty() || path[0] != '/') return out;
  const std::vector<std::string_view> segments = split(path);
  std::set<std::string> allowed;
  const Route* get = nullptr;
  Captures get_captures;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    Captures captures;
    if (!fits(patterns_[i], segments, path, captures)) continue;
    if (routes_[i].method == method) return {&routes_[i], std::move(captures), {}};
    allowed.insert(routes_[i].method);
    if (routes_[i].method != "GET") continue;
    allowed.insert("HEAD");
    if (get == nullptr) {
      get = &routes_[i];
      get_captures = std::move(captures);
    }
  }
  if (method == "HEAD" && get != nullptr) return {get, std::move(get_captures), {}};
  out.allowed.assign(allowed.begin(), allowed.end());
  return out;
}

void Router::serve(const std::shared_ptr<Exchange>& exchange, const Gate& gate) const {
  const Request& request = exchange->request();
  const RouteMatch match = find(request.method, request.path);
  if (match.route != nullptr) {
    if (!gate || gate(*match.route, exchange)) match.route->handler(exchange, match.captures);
    return;
  }
  if (match.allowed.empty()) {
    exchange->respond(problem_response(404, "there is nothing at this path", request.path));
    return;
  }
  Response response = problem_response(405, "this path does not take the method " + request.method, request.path);
  std::string allow;
  for (const std::string& method : match.allowed) allow += (allow.empty() ? "" : ", ") + method;
  response.headers.emplace_back("Allow", allow);
  exchange->respond(std::move(response));
}

}  // namespace tocsin::http
