// Syslog over the network: one listener for UDP, TCP or TLS (RFC 5424, 3164, 5425, 6587).
//
// On TCP and TLS both framings of RFC 6587 are understood, told frame by frame. A delivery holds messages of one peer, each
// as one line: octet counts are taken off, trailing line ends and NULs too, and a line feed inside a message becomes "#012".
// A source with a format of its own (lines of JSON, say) has that; else the lines are syslog.
// The listener's network has one thread, and so an order for each connection.
//
// Syslog has no acknowledgements. While the backlog is full the listener stops reading: TCP senders then wait, and of UDP
// the kernel drops what does not fit its buffer. Deliveries that the Intake refuses are handed over again until it takes
// them. A stop reads what had already arrived, as far as its grace allows.
//
// Causes counted as refused: "too-long" (the message is cut, its begin is kept), "bad-frame" (octet counting is out of step;
// what was there is kept as a line), "cut-off" (the connection ended inside a counted message; what came is kept),
// "kernel-drop" (UDP), "connections", "connections-per-address", "accept", "tls-handshake", "idle-timeout", "not-stored"
// (messages given up when the source stopped).
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/result.h"
#include "http/server.h"
#include "source/live.h"

namespace tocsin::source {

enum class SyslogTransport : std::uint8_t { kUdp, kTcp, kTls };

inline constexpr std::size_t kMinSyslogMessageBytes = 480;  // RFC 5424, section 6.1: what every receiver must take.
inline constexpr std::size_t kMaxSyslogMessageBytes = 1u << 20;

struct SyslogLimits {
  std::size_t max_message_bytes = 64u << 10;  // kMinSyslogMessageBytes to kMaxSyslogMessageBytes.
  std::size_t max_connections = 1'000;
  std::size_t max_connections_per_address = 100;
  // Long, for a sender without acknowledgements loses what it writes into a connection that was closed. Dead peers are found
  // by TCP keep-alive.
  std::chrono::seconds idle_timeout{3'600};
  std::chrono::seconds handshake_timeout{10};
  std::size_t max_backlog_bytes = kBacklogBytes;
  std::size_t udp_buffer_bytes = 8u << 20;  // Of the kernel; it may give less.
};

struct SyslogOptions {
  SyslogTransport transport = SyslogTransport::kUdp;
  std::string address = "127.0.0.1";  // "::" takes IPv4 as well.
  std::uint16_t port = 0;             // 0: any; see LiveSource::port().
  http::TlsFiles tls;                 // kTls only. TLS 1.2 and 1.3.
  SyslogLimits limits;
};

class SyslogSource : public LiveSource {
 public:
  // Reads certificate, key and client CA again; connections go on. An error leaves the old ones.
  virtual core::Result<void> reload_certificates() = 0;
};

// Listens before it returns. A TLS client whose certificate SourceDirectory::by_certificate knows counts as that source, all
// others as `ref`.
core::Result<std::unique_ptr<SyslogSource>> start_syslog(SyslogOptions options, SourceRef ref, SourceContext context);

}  // namespace tocsin::source
