#include "source/http_inputs/input.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "core/text.h"

namespace tocsin::source {
namespace {

// The token of an Authorization header may come in two forms under ApiKey, so there may be two to try.
std::vector<std::string> tokens_of(std::string_view header) {
  const std::size_t space = header.find(' ');
  if (space == std::string_view::npos) return {};
  const std::string scheme = core::ascii_lower(header.substr(0, space));
  std::string_view rest = header.substr(space + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  if (rest.empty()) return {};
  if (scheme == "bearer" || scheme == "splunk") return {std::string(rest)};
  if (scheme != "basic" && scheme != "apikey") return {};
  std::vector<std::string> out;
  if (scheme == "apikey") out.emplace_back(rest);
  if (const auto pair = decode_base64(rest)) {
    const std::size_t colon = pair->find(':');
    if (colon != std::string::npos && colon + 1 < pair->size()) out.push_back(pair->substr(colon + 1));
  }
  return out;
}

// One request's parcels on their way.
struct Pending {
  core::Mutex mutex;
  Results results GUARDED_BY(mutex);
  std::size_t left GUARDED_BY(mutex) = 0;
  std::function<void(const Results&)> then;
};

}  // namespace

HttpInput::HttpInput(const char* name, const SourceContext& source_context, const HttpInputOptions& input_options)
    : context(source_context),
      options(input_options),
      backlog(input_options.max_waiting_bytes),
      unauthorized(source_context.metrics.counter("tocsin_http_input_unauthorized_total",
                                                  "Requests refused because their token was missing, unknown or not that of "
                                                  "the source they named.",
                                                  {{"input", name}})) {}

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '-') {
      value = 62;
    } else if (c == '/' || c == '_') {
      value = 63;
    } else {
      return std::nullopt;
    }
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(static_cast<unsigned char>(bits >> count & 0xFF));
    }
  }
  if (count >= 6) return std::nullopt;
  return out;
}

Caller find_caller(const HttpInput& input, const http::Request& request) {
  const SourceDirectory& directory = input.context.directory;
  const std::string_view header = request.header("authorization");
  if (!header.empty()) {
    const std::vector<std::string> tokens = tokens_of(header);
    if (tokens.empty()) return {Credentials::kMalformed, std::nullopt};
    for (const std::string& token : tokens) {
      if (auto source = directory.by_token(token)) return {Credentials::kKnown, std::move(source)};
    }
    return {Credentials::kUnknown, std::nullopt};
  }
  if (!request.client_certificate_subject.empty()) {
    if (auto source = directory.by_certificate(request.client_certificate_subject)) {
      return {Credentials::kKnown, std::move(source)};
    }
  }
  if (input.options.default_source) return {Credentials::kKnown, input.options.default_source};
  return {};
}

LineParcels::LineParcels(const HttpInput& input, const SourceRef& source, std::string peer) {
  empty_.source = source.id;
  empty_.received_at = input.context.clock.now();
  empty_.format = model::Format::kJson;
  empty_.peer = std::move(peer);
}

std::size_t LineParcels::add(std::string_view line) {
  if (parcels_.empty() || parcels_.back().delivery.bytes.size() + line.size() + 1 > kDeliveryBytes) {
    parcels_.push_back({empty_, 0});
  }
  Parcel& parcel = parcels_.back();
  parcel.delivery.bytes += line;
  parcel.delivery.bytes += '\n';
  ++parcel.records;
  return parcels_.size() - 1;
}

bool submit(const std::shared_ptr<HttpInput>& input, const SourceRef& source, std::vector<Parcel> parcels,
            std::function<void(const Results&)> then) {
  if (parcels.empty()) {
    then({});
    return true;
  }
  std::size_t total = 0;
  for (const Parcel& parcel : parcels) total += parcel.delivery.bytes.size();
  if (!input->backlog.try_take(total)) {
    source.meter->refused("backlog-full");
    return false;
  }
  const auto pending = std::make_shared<Pending>();
  pending->then = std::move(then);
  {
    const core::Lock lock(pending->mutex);
    pending->results.resize(parcels.size());
    pending->left = parcels.size();
  }
  for (std::size_t i = 0; i < parcels.size(); ++i) {
    const std::size_t bytes = parcels[i].delivery.bytes.size();
    const std::uint64_t records = parcels[i].records;
    const core::Timestamp received_at = parcels[i].delivery.received_at;
    const auto done = [input, meter = source.meter, pending, i, bytes, records,
                       received_at](const core::Result<void>& result) {
      input->backlog.give(bytes);
      if (result.ok()) {
        meter->received(records, bytes, received_at);
      } else {
        meter->refused("not-kept", records);
      }
      Results all;
      {
        const core::Lock lock(pending->mutex);
        pending->results[i] = result;
        if (--pending->left != 0) return;
        all.swap(pending->results);
      }
      pending->then(all);
      pending->then = nullptr;
    };
    input->context.intake.submit(std::move(parcels[i].delivery), done);
  }
  return true;
}

const core::Error* first_error(const Results& results) {
  const auto bad =
      std::find_if(results.begin(), results.end(), [](const core::Result<void>& result) { return !result.ok(); });
  return bad == results.end() ? nullptr : &bad->error();
}

http::Response retry_later(const HttpInput& input, http::Response response) {
  response.headers.emplace_back("Retry-After", std::to_string(input.options.retry_after.count()));
  return response;
}

}  // namespace tocsin::source
