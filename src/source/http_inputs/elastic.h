// The Elasticsearch input from within: its answers, and the questions that clients ask before they send.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/router.h"
#include "source/http_inputs/input.h"

namespace tocsin::source {

struct ElasticInput : HttpInput {
  ElasticInput(const SourceContext& source_context, const HttpInputOptions& input_options)
      : HttpInput("elastic", source_context, input_options), first_id(source_context.clock.now().ns) {}
  const std::int64_t first_id;  // The ids we give count from the time of the start.
  std::atomic<std::uint64_t> id_count{0};
};

// Runs for callers that are known.
using ElasticHandler = std::function<void(const std::shared_ptr<ElasticInput>&, const SourceRef&,
                                          const std::shared_ptr<http::Exchange>&, const http::Captures&)>;
http::Route elastic_route(const std::shared_ptr<ElasticInput>& input, std::string method, std::string pattern,
                          std::string summary, ElasticHandler handler);

// With the header by which clients know Elasticsearch, in the media type that was asked for.
http::Response elastic_response(const http::Request& request, int status, std::string body);
http::Response elastic_error(const http::Request& request, int status, std::string_view type, std::string_view reason);

// All other paths: what shippers and the official clients ask, and 404 for the rest.
void add_elastic_questions(const std::shared_ptr<ElasticInput>& input, std::vector<http::Route>& out);

}  // namespace tocsin::source
