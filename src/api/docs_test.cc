// docs/api.md and the pages beside it against the routes that serve and their OpenAPI text.
#include <re2/re2.h>

#include <set>

#include "api/api_test_support.h"
#include "core/text.h"
#include "testing/paths.h"

namespace tocsin::api {
namespace {

using simdjson::dom::element;
using Names = std::set<std::string>;

class DocsTest : public ApiFixture {
 protected:
  static std::string all_pages() {
    std::string out;
    for (const char* page : {"api", "incidents", "notifications", "reports", "tuning"}) {
      out += testing::read_file(testing::project_root() / "docs" / (std::string(page) + ".md")) + "\n";
    }
    return out;
  }
  std::string document = all_pages();
};

// "GET /api/v1/findings" of each row of a table; one row may tell of several.
Names routes_of(const std::string& document) {
  const re2::RE2 route("([A-Z]+(?:/[A-Z]+)*) (/[^ ?`,]+)");
  Names out;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string cell = line.substr(0, line.find(" | "));
    re2::StringPiece rest(cell);
    std::string several, path;
    while (re2::RE2::FindAndConsume(&rest, route, &several, &path)) {
      const bool bare = path.starts_with("/api/") || path == "/metrics" || path == "/healthz" || path == "/readyz";
      std::istringstream methods(several);
      for (std::string method; std::getline(methods, method, '/');) {
        out.insert(method + (bare ? " " : " /api/v1") + path);
      }
    }
  }
  return out;
}

TEST_F(DocsTest, TellsEveryRouteAndNoOther) {
  Names served;
  for (const http::Route& route : api->router().routes()) served.insert(route.method + " " + route.pattern);
  Names told = routes_of(document);
  EXPECT_EQ(told.erase("POST /api/v1/ingest/{source}"), 1u);  // Served by another on the same port.
  for (const std::string& route : served) EXPECT_TRUE(told.contains(route)) << "no document tells of " << route;
  for (const std::string& route : told) EXPECT_TRUE(served.contains(route)) << "a document tells of " << route;
}

// All names of members and parameters, at any depth.
void collect(element at, Names& out) {
  if (at.is_array()) {
    for (const element one : simdjson::dom::array(at)) collect(one, out);
  }
  simdjson::dom::object object;
  if (at.get(object) != simdjson::SUCCESS) return;
  for (const auto& [key, value] : object) {
    simdjson::dom::object members;
    std::string_view name;
    if (key == "properties" && value.get(members) == simdjson::SUCCESS) {
      for (const auto& [member, schema] : members) out.emplace(member);
    }
    if (key == "in" && at["name"].get(name) == simdjson::SUCCESS) out.emplace(name);
    collect(value, out);
  }
}

TEST_F(DocsTest, TellsEveryMemberAndParameter) {
  simdjson::dom::parser parser;
  element root;
  ASSERT_EQ(parser.parse(api->openapi()).get(root), simdjson::SUCCESS);
  Names names;
  collect(root, names);
  EXPECT_GT(names.size(), 100u);
  Names words;
  const re2::RE2 word("([A-Za-z0-9_]+)");
  re2::StringPiece rest(document);
  for (std::string one; re2::RE2::FindAndConsume(&rest, word, &one);) words.insert(one);
  for (const std::string& name : names) EXPECT_TRUE(words.contains(name)) << "no document tells of " << name;
}

}  // namespace
}  // namespace tocsin::api

TOCSIN_API_TEST_MAIN()
