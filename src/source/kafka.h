// A consumer group of Kafka: topics in, with offsets committed only behind what is on disk. librdkafka stays in kafka/.
//
// The value of a message is bytes of log. Messages that are one line of text each go to the Intake joined by '\n', up to
// 1 MB; any other (several lines, binary) is a Delivery of its own. A message without a value is passed over.
//
// Exactly once on one Tocsin, however often it or a broker breaks, as follows. Per partition one group of messages is under
// way at a time, in order, and only the next offset after a group that is wholly on disk is committed. A group is either
//  - joined lines: one Delivery, whose checkpoint (journal key "kafka:<source>/<group>/<cluster id>/<topic>/<partition>") is
//    the next offset, kept in one write with the bytes. Reading starts behind the checkpoint, wherever the commit stands,
//    so it does not matter that lines would be cut otherwise the second time; or
//  - single messages, each told by its once_key "kafka:<source>/<cluster id>/<topic>/<partition>/<offset>", which is the
//    same whenever it is read. (Joined lines have one too, "<first>-<last>".)
// What the Intake refuses is kept and offered again each second. A partition that is taken away drops what is not under
// way; should it come back while something is, reading waits for that first. Where another Tocsin of the group takes a
// partition over, what was kept here within the last second (kKafkaCommitInterval), and what is under way, comes there
// again. Setting the group back to older offsets does not read again what the checkpoint is behind: use another group for
// that.
//
// One thread, and those of librdkafka. Bounds: max_backlog_bytes under way, past which no partition is read; librdkafka
// fetches ahead some 2 MB for each partition. Refused, by cause: "too-long". stop() may take up to a second more than its
// grace while partitions are being assigned.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "source/live.h"

namespace tocsin::source {

inline constexpr std::chrono::milliseconds kKafkaCommitInterval{1'000};

struct KafkaOptions {
  SourceRef source;
  std::vector<std::string> brokers;  // "host:port"; one that answers is enough.
  std::vector<std::string> topics;   // A name, or "^" and the rest of a regular expression.
  std::string group = "tocsin";
  bool from_beginning = true;  // Where the group has no offset yet; false: only what comes from now on.
  // Properties of librdkafka by their names there, and those that are secret ("sasl.password", "ssl.key.password",
  // "ssl.key.pem"). Allowed are security.protocol, ssl.* and sasl.* but what runs programs or loads libraries, and what
  // tunes; SASL mechanisms PLAIN and SCRAM.
  std::map<std::string, std::string> properties;
  std::map<std::string, core::Secret> secrets;
  std::size_t max_backlog_bytes = kBacklogBytes;
};

// Does not wait for a broker: whether one answers shows in the meter's problem. An error is of the options.
core::Result<std::unique_ptr<LiveSource>> start_kafka(KafkaOptions options, const SourceContext& context);

}  // namespace tocsin::source
