// Live updates.
#include "api/parts/live.h"

#include "api/handlers/handlers.h"

namespace tocsin::api {
namespace {

Reply listen(Call& call) {
  Query query = call.query();
  auto listener = std::make_shared<Listener>();
  auto topics = query.list("topics");
  if (topics.empty()) topics = {"findings", "incidents", "rates", "sources", "health"};
  for (const std::string& topic : topics) {
    if (topic == "findings") {
      listener->findings = true;
    } else if (topic == "incidents") {
      listener->incidents = true;
    } else if (topic == "rates") {
      listener->rates = true;
    } else if (topic == "sources") {
      listener->sources = call.who.may(auth::Right::kSourcesRead);
    } else if (topic == "health") {
      listener->health = call.who.may(auth::Right::kHealthRead);
    } else {
      return InputProblem{"topics", "must be of findings, incidents, rates, sources, health"};
    }
  }
  if (!call.context.live->has_room()) return Reply::problem(503, "too many consoles listen; try again later");
  listener->who = call.who;
  listener->still_allowed = call.still_allowed;
  http::Response head;
  head.content_type = "text/event-stream";
  head.headers.emplace_back("X-Accel-Buffering", "no");
  head.body = "retry: 2000\n\n";
  listener->stream = call.exchange->stream(std::move(head));
  call.context.live->add(std::move(listener));
  return Reply::taken();
}

}  // namespace

void add_live_routes(Routes& routes) {
  routes.push_back({"GET", "/api/v1/live", "findings.read", "live",
                    "Server-sent events: finding, incident, rates, sources, health", "{topics?:text}", "",
                    "!text/event-stream", listen});
}

}  // namespace tocsin::api
