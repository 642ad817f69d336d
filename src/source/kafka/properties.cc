#include "source/kafka/properties.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace tocsin::source::kafka {
namespace {

// Kerberos is not here, for librdkafka starts a shell for it; nor ssl.engine.*, which loads a library.
constexpr std::array<std::string_view, 34> kAllowed = {
    "broker.address.family",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "check.crcs",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.min.bytes",
    "fetch.wait.max.ms",
    "group.instance.id",
    "heartbeat.interval.ms",
    "isolation.level",
    "max.partition.fetch.bytes",
    "metadata.max.age.ms",
    "partition.assignment.strategy",
    "queued.max.messages.kbytes",
    "receive.message.max.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "session.timeout.ms",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.timeout.ms",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.cipher.suites",
    "ssl.endpoint.identification.algorithm",
};
constexpr std::array<std::string_view, 5> kAllowedKeys = {"ssl.crl.location", "ssl.key.location", "ssl.key.password",
                                                          "ssl.key.pem", "topic.metadata.refresh.interval.ms"};
constexpr std::size_t kMaxNames = 1'000;

core::Error invalid(std::string text) { return {core::ErrorCode::kInvalid, std::move(text)}; }

std::string value_of(const KafkaOptions& options, const std::string& name) {
  const auto at = options.properties.find(name);
  return at == options.properties.end() ? std::string() : core::ascii_lower(at->second);
}

core::Result<void> check_sasl(const KafkaOptions& options) {
  if (value_of(options, "security.protocol").rfind("sasl", 0) != 0) return {};
  std::string mechanism = value_of(options, "sasl.mechanism");
  if (mechanism.empty()) mechanism = value_of(options, "sasl.mechanisms");
  if (mechanism == "plain" || mechanism == "scram-sha-256" || mechanism == "scram-sha-512") return {};
  return core::Error{core::ErrorCode::kUnsupported,
                     "Kafka: 'sasl.mechanism' is '" + mechanism + "'; expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"};
}

}  // namespace

bool property_allowed(std::string_view name) {
  return std::ranges::find(kAllowed, name) != kAllowed.end() || std::ranges::find(kAllowedKeys, name) != kAllowedKeys.end();
}

core::Result<void> check_options(const KafkaOptions& options) {
  if (options.brokers.empty() || options.brokers.size() > kMaxNames) return invalid("Kafka: 'brokers' names no broker");
  if (options.topics.empty() || options.topics.size() > kMaxNames) return invalid("Kafka: 'topics' names no topic");
  if (options.group.empty()) return invalid("Kafka: 'group' is empty");
  for (const std::string& broker : options.brokers) {
    if (broker.empty() || broker.find(',') != std::string::npos) {
      return invalid("Kafka: '" + broker + "' is no broker; expected host:port");
    }
  }
  for (const std::string& topic : options.topics) {
    if (topic.empty()) return invalid("Kafka: a topic has no name");
  }
  const auto check = [](const std::string& name) -> core::Result<void> {
    if (property_allowed(name)) return {};
    return core::Error{core::ErrorCode::kUnsupported, "Kafka: the property '" + name + "' cannot be set here"};
  };
  for (const auto& [name, value] : options.properties) TOCSIN_TRY(check(name));
  for (const auto& [name, value] : options.secrets) TOCSIN_TRY(check(name));
  return check_sasl(options);
}

}  // namespace tocsin::source::kafka
