// Splunk's HTTP Event Collector. Its answers are a code and a text; the status of HTTP follows from the code.
#include <cctype>
#include <list>
#include <map>
#include <utility>

#include "core/json_writer.h"
#include "source/http_inputs/cut_body.h"
#include "source/http_inputs/hec_events.h"
#include "source/http_inputs/input.h"
#include "source/http_inputs/json_cursor.h"

namespace tocsin::source {
namespace {

using http::Captures;
using http::Exchange;
using http::Response;
using http::Route;

struct Reply {
  HecCode code;
  int status;
  const char* text;
};
constexpr Reply kReplies[] = {
    {HecCode::kSuccess, 200, "Success"},
    {HecCode::kTokenRequired, 401, "Token is required"},
    {HecCode::kInvalidAuthorization, 401, "Invalid authorization"},
    {HecCode::kInvalidToken, 403, "Invalid token"},
    {HecCode::kNoData, 400, "No data"},
    {HecCode::kInvalidFormat, 400, "Invalid data format"},
    {HecCode::kInternalError, 500, "Internal server error"},
    {HecCode::kServerBusy, 503, "Server is busy"},
    {HecCode::kChannelMissing, 400, "Data channel is missing"},
    {HecCode::kInvalidChannel, 400, "Invalid data channel"},
    {HecCode::kEventRequired, 400, "Event field is required"},
    {HecCode::kEventBlank, 400, "Event field cannot be blank"},
    {HecCode::kBadFields, 400, "Error in handling indexed fields"},
    {HecCode::kQueryToken, 400, "Query string authorization is not enabled"},
    {HecCode::kHealthy, 200, "HEC is healthy"},
    {HecCode::kQueuesFull, 503, "HEC is unhealthy, queues are full"},
    {HecCode::kHealthInvalidToken, 400, "Invalid token"},
};

// Numbers of answers by channel. What has a number is safe, so all numbers given so far are acknowledged.
class AckChannels {
 public:
  std::uint64_t next(const std::string& channel) {
    const core::Lock lock(mutex_);
    const auto found = places_.find(channel);
    if (found != places_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->given++;
    }
    if (places_.size() >= kMaxHecChannels) {
      places_.erase(order_.back().name);
      order_.pop_back();
    }
    order_.push_front({channel, 1});
    places_[channel] = order_.begin();
    return 0;
  }
  [[nodiscard]] std::uint64_t given(const std::string& channel) const {
    const core::Lock lock(mutex_);
    const auto found = places_.find(channel);
    return found == places_.end() ? 0 : found->second->given;
  }

 private:
  struct Channel {
    std::string name;
    std::uint64_t given;
  };
  mutable core::Mutex mutex_;
  std::list<Channel> order_ GUARDED_BY(mutex_);  // The one used last comes first.
  std::map<std::string, std::list<Channel>::iterator> places_ GUARDED_BY(mutex_);
};

struct HecInput : HttpInput {
  HecInput(const SourceContext& source_context, const HttpInputOptions& input_options)
      : HttpInput("splunk-hec", source_context, input_options) {}
  AckChannels channels;
};
using Input = std::shared_ptr<HecInput>;

Response reply(const HecInput& input, HecCode code, std::optional<std::size_t> bad_index = {},
               std::optional<std::uint64_t> ack_id = {}) {
  Reply found = kReplies[0];
  for (const Reply& known : kReplies) {
    if (known.code == code) found = known;
  }
  Response out;
  out.status = found.status;
  core::JsonWriter json(out.body);
  json.begin_object().member("text", found.text).key("code").number(static_cast<int>(code));
  if (bad_index) json.key("invalid-event-number").number(static_cast<std::uint64_t>(*bad_index));
  if (ack_id) json.key("ackId").number(*ack_id);
  json.end_object();
  if (found.status == 401) out.headers.emplace_back("WWW-Authenticate", "Splunk");
  return found.status == 503 ? retry_later(input, std::move(out)) : out;
}

std::string query_value(const http::Request& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

std::string channel_of(const http::Request& request) {
  const std::string_view header = request.header("x-splunk-request-channel");
  return header.empty() ? query_value(request, "channel") : std::string(header);
}

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

std::string channel_key(const SourceRef& source, const std::string& channel) {
  return std::to_string(static_cast<std::uint32_t>(source.id)) + "/" + channel;
}

HecCode code_of(const Caller& caller, const http::Request& request) {
  switch (caller.credentials) {
    case Credentials::kNone: return query_value(request, "token").empty() ? HecCode::kTokenRequired : HecCode::kQueryToken;
    case Credentials::kMalformed: return HecCode::kInvalidAuthorization;
    case Credentials::kUnknown: return HecCode::kInvalidToken;
    case Credentials::kKnown: break;
  }
  return HecCode::kSuccess;
}

using HecHandler = void (*)(const Input&, const SourceRef&, const std::shared_ptr<Exchange>&);

Route route(const Input& input, const char* method, const char* pattern, const char* summary, HecHandler handler) {
  return {method,
          pattern,
          summary,
          "public",
          "ingest",
          [input, handler](const std::shared_ptr<Exchange>& exchange, const Captures&) {
            const Caller caller = find_caller(*input, exchange->request());
            const HecCode code = code_of(caller, exchange->request());
            if (code != HecCode::kSuccess) {
              input->unauthorized.add();
              return exchange->respond(reply(*input, code));
            }
            const std::string channel = channel_of(exchange->request());
            if (!channel.empty() && !is_guid(channel)) {
              caller.source->meter->refused("bad-request");
              return exchange->respond(reply(*input, HecCode::kInvalidChannel));
            }
            handler(input, *caller.source, exchange);
          }};
}

// Hands on what was good; the answer names what was not.
void hand_on(const Input& input, const SourceRef& source, const std::shared_ptr<Exchange>& exchange,
             std::vector<Parcel> parcels, const HecOutcome& outcome) {
  const std::string channel = channel_of(exchange->request());
  exchange->request().body = {};
  const auto answer = [input, exchange, outcome,
                       key = channel.empty() ? "" : channel_key(source, channel)](const Results& results) {
    if (const core::Error* error = first_error(results)) {
      const bool busy = error->code == core::ErrorCode::kLimit || error->code == core::ErrorCode::kIo;
      return exchange->respond(reply(*input, busy ? HecCode::kServerBusy : HecCode::kInternalError));
    }
    if (outcome.code != HecCode::kSuccess) return exchange->respond(reply(*input, outcome.code, outcome.bad_index));
    std::optional<std::uint64_t> ack_id;
    if (!key.empty()) ack_id = input->channels.next(key);
    exchange->respond(reply(*input, HecCode::kSuccess, std::nullopt, ack_id));
  };
  if (!submit(input, source, std::move(parcels), answer)) exchange->respond(reply(*input, HecCode::kServerBusy));
}

void take_events(const Input& input, const SourceRef& source, const std::shared_ptr<Exchange>& exchange) {
  const http::Request& request = exchange->request();
  const HecDefaults defaults{query_value(request, "host"), query_value(request, "source"),
                             query_value(request, "sourcetype"), query_value(request, "index")};
  LineParcels lines(*input, source, request.peer);
  std::size_t too_long = 0;
  HecOutcome outcome = parse_hec(request.body, defaults, [&](std::string_view line) {
    if (line.size() <= kMaxJsonRecordBytes) {
      lines.add(line);
    } else {
      ++too_long;
    }
  });
  if (too_long > 0 && outcome.code == HecCode::kSuccess) outcome.code = HecCode::kInvalidFormat;
  if (outcome.bad_count + too_long > 0) source.meter->refused("bad-item", outcome.bad_count + too_long);
  if (outcome.code == HecCode::kNoData) {
    source.meter->refused("empty");
    return exchange->respond(reply(*input, HecCode::kNoData));
  }
  hand_on(input, source, exchange, lines.take(), outcome);
}

// The peer, with what the query says of where the bytes come from.
std::string peer_of(const http::Request& request) {
  constexpr std::size_t kMaxValueBytes = 256;
  std::string out = request.peer;
  for (const char* name : {"host", "source", "sourcetype", "index"}) {
    const std::string value = query_value(request, name).substr(0, kMaxValueBytes);
    if (!value.empty()) out += std::string(" ") + name + "=" + value;
  }
  return out;
}

void take_raw(const Input& input, const SourceRef& source, const std::shared_ptr<Exchange>& exchange) {
  const http::Request& request = exchange->request();
  if (request.body.find_first_not_of(" \t\r\n") == std::string::npos) {
    source.meter->refused("empty");
    return exchange->respond(reply(*input, HecCode::kNoData));
  }
  auto parcels =
      cut_body(*input, {.source = source, .format = source.format, .peer = peer_of(request), .once_key = {}}, request.body);
  if (!parcels.ok()) {
    source.meter->refused("no-log");
    return exchange->respond(reply(*input, HecCode::kInvalidFormat));
  }
  hand_on(input, source, exchange, std::move(parcels).value(), {});
}

// {"acks":[0,1]} -> {"acks":{"0":true,"1":false}}.
void tell_acks(const Input& input, const SourceRef& source, const std::shared_ptr<Exchange>& exchange) {
  constexpr std::size_t kMaxAsked = 100'000;
  const std::string channel = channel_of(exchange->request());
  if (channel.empty()) return exchange->respond(reply(*input, HecCode::kChannelMissing));
  const std::uint64_t given = input->channels.given(channel_key(source, channel));
  Response out;
  core::JsonWriter json(out.body);
  json.begin_object().key("acks").begin_object();
  JsonCursor cursor(exchange->request().body);
  std::string key;
  std::size_t asked = 0;
  bool found = false;
  cursor.begin_object();
  while (cursor.next_member(key)) {
    if (key != "acks" || found || cursor.peek() != '[') {
      cursor.skip();
      continue;
    }
    found = true;
    cursor.begin_array();
    while (cursor.next_element()) {
      const std::string_view word = cursor.scalar();
      const bool is_id = !word.empty() && word.size() < 19 && word.find_first_not_of("0123456789") == std::string_view::npos;
      if (!is_id || ++asked > kMaxAsked) return exchange->respond(reply(*input, HecCode::kInvalidFormat));
      json.key(word).boolean(std::stoull(std::string(word)) < given);
    }
  }
  if (!found || !cursor.at_end()) return exchange->respond(reply(*input, HecCode::kInvalidFormat));
  json.end_object().end_object();
  exchange->respond(std::move(out));
}

// For load balancers, so without a token; a token that is given must be good.
void tell_health(const Input& input, const std::shared_ptr<Exchange>& exchange) {
  const Caller caller = find_caller(*input, exchange->request());
  if (caller.credentials == Credentials::kUnknown) return exchange->respond(reply(*input, HecCode::kHealthInvalidToken));
  const bool full = input->backlog.bytes() >= input->options.max_waiting_bytes;
  exchange->respond(reply(*input, full ? HecCode::kQueuesFull : HecCode::kHealthy));
}

}  // namespace

std::vector<Route> splunk_hec_routes(const SourceContext& context, const HttpInputOptions& options) {
  const auto input = std::make_shared<HecInput>(context, options);
  std::vector<Route> out;
  for (const char* path :
       {"/services/collector", "/services/collector/1.0", "/services/collector/event", "/services/collector/event/1.0"}) {
    out.push_back(route(input, "POST", path, "Takes events", take_events));
  }
  for (const char* path : {"/services/collector/raw", "/services/collector/raw/1.0"}) {
    out.push_back(route(input, "POST", path, "Takes bytes of log", take_raw));
  }
  for (const char* path : {"/services/collector/ack", "/services/collector/ack/1.0"}) {
    out.push_back(route(input, "POST", path, "Says what is safe", tell_acks));
  }
  for (const char* path : {"/services/collector/health", "/services/collector/health/1.0"}) {
    out.push_back({"GET", path, "Says whether there is room", "public", "ingest",
                   [input](const std::shared_ptr<Exchange>& exchange, const Captures&) { tell_health(input, exchange); }});
  }
  return out;
}

}  // namespace tocsin::source
