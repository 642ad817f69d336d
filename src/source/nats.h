// A durable pull consumer of a NATS JetStream stream. libnats stays in nats/.
//
// Each message is one Delivery, acknowledged once the Intake's `done` says that it is on disk. Its once_key,
// "nats:<source>/<stream>@<when the stream was made>:<sequence>", is the same whenever it is delivered, so that what is
// delivered again (an acknowledgement was lost, either side broke) adds nothing. What the Intake refuses is asked for
// again after a second. While a message waits for the Intake its time to be acknowledged is extended.
//
// The consumer is made where it is not there, with explicit acknowledgements and on disk; one that is there is used as it
// is. Deleting it on the server makes the stream be read from its beginning again.
//
// Two threads, and those of libnats. Bounds: max_backlog_bytes and kMaxNatsMessages under way, past which nothing is
// fetched; a fetch brings at most 4 MB, or two of the largest messages the server takes. Refused, by cause: "too-long".
// stop() may take up to a second more than its grace while a connection is being made.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "source/live.h"

namespace tocsin::source {

inline constexpr std::size_t kMaxNatsMessages = 4'096;

struct NatsTls {
  std::string ca_path;                             // PEM; empty: what the system trusts.
  std::string certificate_path, private_key_path;  // Of this client; empty: none.
};

struct NatsOptions {
  SourceRef source;
  std::vector<std::string> servers;  // "nats://host:4222" or "tls://host:4222"; one that answers is enough.
  std::string stream;
  std::string consumer = "tocsin";  // Its durable name.
  // For a consumer that is made: only messages of this subject (wildcards as NATS has them), empty: all; and from the
  // beginning, or from now on.
  std::string subject;
  bool from_beginning = true;
  std::chrono::milliseconds ack_wait{60'000};
  std::optional<NatsTls> tls;
  std::string credentials_path;  // A .creds file.
  std::string user;
  core::Secret password, token;
  std::size_t max_backlog_bytes = kBacklogBytes;
};

// Does not wait for a server: whether one answers shows in the meter's problem. An error is of the options.
core::Result<std::unique_ptr<LiveSource>> start_nats(NatsOptions options, const SourceContext& context);

}  // namespace tocsin::source
