#include "http/router.h"

#include <gtest/gtest.h>

#include "http/problem.h"

namespace tocsin::http {
namespace {

Route route(std::string method, std::string pattern, std::string right = "public") {
  return {std::move(method),
          std::move(pattern),
          "",
          std::move(right),
          "",
          [](const std::shared_ptr<Exchange>&, const Captures&) {}};
}
Router make(std::vector<Route> routes) {
  auto router = Router::create(std::move(routes));
  EXPECT_TRUE(router.ok());
  return std::move(router).value();
}
class Recorder final : public Exchange {
 public:
  [[nodiscard]] const Request& request() const override { return request_; }
  [[nodiscard]] Request& request() override { return request_; }
  void respond(Response response) override { answer = std::move(response); }
  std::shared_ptr<Stream> stream(Response) override { return nullptr; }
  Response answer;

 private:
  Request request_;
};

TEST(Router, PrefersALiteralToACaptureAndACaptureToTheRest) {
  const Router router = make({route("GET", "/a/{rest*}"), route("GET", "/a/{id}"), route("GET", "/a/b")});
  EXPECT_EQ(router.find("GET", "/a/b").route->pattern, "/a/b");
  const RouteMatch one = router.find("GET", "/a/c");
  EXPECT_EQ(one.route->pattern, "/a/{id}");
  EXPECT_EQ(one.captures.at("id"), "c");
  const RouteMatch rest = router.find("GET", "/a/c//d");
  EXPECT_EQ(rest.captures.at("rest"), "c//d");
  EXPECT_EQ(router.find("GET", "/a/").captures.at("rest"), "");
}
TEST(Router, TakesALessExactPatternWhereTheExactOneLacksTheMethod) {
  const Router router = make({route("GET", "/x/{id}"), route("POST", "/x/search")});
  EXPECT_EQ(router.find("GET", "/x/search").captures.at("id"), "search");
}
TEST(Router, SaysWhichMethodsAPathTakes) {
  const Router router = make({route("GET", "/x"), route("DELETE", "/x")});
  EXPECT_EQ(router.find("PUT", "/x").allowed, (std::vector<std::string>{"DELETE", "GET", "HEAD"}));
  EXPECT_TRUE(router.find("GET", "/y").allowed.empty());
  EXPECT_EQ(router.find("HEAD", "/x").route->method, "GET");
  EXPECT_EQ(router.find("GET", "/x/").route, nullptr);
}
TEST(Router, RefusesATableThatCannotBeMeant) {
  EXPECT_FALSE(Router::create({route("GET", "/x", "")}).ok());
  EXPECT_FALSE(Router::create({route("GET", "x")}).ok());
  EXPECT_FALSE(Router::create({route("GET", "/{a}"), route("GET", "/{b}")}).ok());
  EXPECT_FALSE(Router::create({route("GET", "/{a}/{a}")}).ok());
  EXPECT_FALSE(Router::create({route("GET", "/{a*}/b")}).ok());
  EXPECT_FALSE(Router::create({route("GET", "/a{b}")}).ok());
  EXPECT_FALSE(Router::create({{"GET", "/", "", "public", "", nullptr}}).ok());
}
TEST(Router, AnswersUnknownPathsAndMethodsItselfAndAsksTheGate) {
  bool served = false;
  const Router router =
      make({{"GET", "/x", "", "view", "", [&](const std::shared_ptr<Exchange>&, const Captures&) { served = true; }}});
  const auto exchange = std::make_shared<Recorder>();
  exchange->request().method = "PUT";
  exchange->request().path = "/x";
  router.serve(exchange);
  EXPECT_EQ(exchange->answer.status, 405);
  EXPECT_EQ(exchange->answer.headers.at(0), (std::pair<std::string, std::string>("Allow", "GET, HEAD")));
  exchange->request().path = "/y";
  router.serve(exchange);
  EXPECT_EQ(exchange->answer.status, 404);
  exchange->request().path = "/x";
  exchange->request().method = "GET";
  router.serve(exchange, [](const Route& asked, const std::shared_ptr<Exchange>&) { return asked.right != "view"; });
  EXPECT_FALSE(served);
  router.serve(exchange);
  EXPECT_TRUE(served);
}
TEST(Problem, IsADocumentOfRfc9457) {
  Problem problem{404, "about:blank", "", "no \"x\"", "/x", {{"code", "gone"}}};
  const Response response = problem_response(problem);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            R"({"type":"about:blank","title":"Not Found","status":404,"detail":"no \"x\"","instance":"/x","code":"gone"})");
  EXPECT_EQ(problem_response(core::Error{core::ErrorCode::kDenied, "no"}).status, 403);
}
TEST(Request, ReadsCookies) {
  Request request;
  request.headers["cookie"] = "a=1; session=\"xyz\"; b=";
  EXPECT_EQ(request.cookie("session"), "xyz");
  EXPECT_EQ(request.cookie("a"), "1");
  EXPECT_EQ(request.cookie("c"), "");
}

}  // namespace
}  // namespace tocsin::http
