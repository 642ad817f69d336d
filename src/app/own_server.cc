#include "app/own_server.h"

#include <utility>

namespace tocsin::app {

IngestTarget own_server(const Config& config, core::Secret token) {
  IngestTarget out;
  out.address = config.listen.address;
  if (out.address == "0.0.0.0" || out.address == "localhost") out.address = "127.0.0.1";
  if (out.address == "::") out.address = "::1";
  out.port = config.listen.port;
  out.certificate_path =
      config.tls.certificate.empty() ? config.folder + "/keys/own-certificate.pem" : config.tls.certificate;
  out.token = std::move(token);
  return out;
}

}  // namespace tocsin::app
