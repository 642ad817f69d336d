// Asks the server of this data folder, as its own commands do: sends logs to POST /api/v1/ingest/{source}, or something to
// another path. HTTPS, one connection, one request after the other.
//
// The server must show the very certificate of a file; its names do not matter then. One thread; every wait is bounded.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace tocsin::app {

inline constexpr std::chrono::seconds kIngestTimeout{30};

struct IngestTarget {
  std::string address;  // Numeric.
  std::uint16_t port = 0;
  std::string certificate_path;  // PEM; the first one in it.
  std::string source;
  core::Secret token;
  std::chrono::seconds timeout = kIngestTimeout;  // Of one wait.
};

class IngestClient {
 public:
  struct Answer {
    int status = 0;
    std::chrono::seconds retry_after{0};
    std::string body;
  };
  // Connects with the first post. An error: the certificate cannot be read.
  static core::Result<std::unique_ptr<IngestClient>> create(IngestTarget target);
  virtual ~IngestClient() = default;
  // `once_key` makes it harmless to send the same again, which this does, once, where the connection breaks off.
  virtual core::Result<Answer> post_to(std::string_view path, std::string_view body) = 0;
  virtual core::Result<Answer> post(std::string_view format, std::string_view once_key, std::string_view body) = 0;
};

}  // namespace tocsin::app
