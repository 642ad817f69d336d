// Lumberjack, as Beats and Logstash send it: version 2 frames (W, C, J) and version 1 (W, D), over TLS or plain TCP.
//
// Each event becomes one line of JSON; a window goes to the Intake as one Delivery, a large or slow one in pieces. A window
// is acknowledged, with its last sequence number, when all of it is on disk. Until then a version 2 sender gets, every
// `keep_alive`, the last sequence number that is safe (0: none yet), so that it waits instead of sending again; a version 1
// sender would take that for the whole window, so it gets nothing. Where the Intake refuses, the connection is closed
// without the acknowledgement.
//
// At least once: a sender whose connection breaks before the acknowledgement sends the window again, cut as it likes, and
// the protocol has no id to tell it by. Beats gives events a stable id in "@metadata._id" where add_id or fingerprint is
// configured; files read by Filebeat can be told by "agent.id", "log.file.path" and "log.offset".
//
// Bounds: max_backlog_bytes of events not yet on disk, past which nothing is read; frames over 64 KiB share
// kMaxFrameMemoryBytes; a connection holds 64 KiB apart from that. Refused, by cause: "bad-frame", "too-long", "cut-off",
// "not-kept", "idle", "slow", "no-room", "tls-handshake", "unknown-certificate", "connections", "connections-per-address".
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "http/server.h"
#include "source/live.h"

namespace tocsin::source {

inline constexpr std::size_t kMaxFrameMemoryBytes = 128u << 20;

struct LumberjackOptions {
  std::string name = "lumberjack";  // Of the listener, for messages and for what it refuses before a source is known.
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // Usually 5044. 0: any; see port().
  std::optional<http::TlsFiles> tls;
  // Of events from clients without a certificate that the directory knows; empty: such clients are refused.
  std::optional<SourceRef> source;
  std::size_t max_connections = 1'000;
  std::size_t max_connections_per_address = 100;
  std::size_t max_backlog_bytes = kBacklogBytes;
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds frame_timeout{60'000};  // For the rest of a frame that was begun, and for a write.
  std::chrono::milliseconds idle_timeout{300'000};  // Between frames. Beats connects again when it has something.
  std::chrono::milliseconds keep_alive{5'000};
  std::chrono::milliseconds linger{1'000};  // What came of an unfinished window goes to the Intake after this time.
};

class LumberjackSource : public LiveSource {
 public:
  // Listens before it returns; one thread.
  static core::Result<std::unique_ptr<LumberjackSource>> start(LumberjackOptions options, const SourceContext& context);
  // Reads certificate and key again; connections go on. An error leaves the old ones.
  virtual core::Result<void> reload_certificates() = 0;
};

}  // namespace tocsin::source
