// The OpenSSL context of a server, from PEM files: TLS 1.2 and 1.3, no renegotiation, no tickets, no session cache.
//
// For this folder's server and for sources that speak TLS themselves; include it in .cc files only. A client that offers
// protocols by ALPN gets http/1.1 or none.
#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "core/result.h"
#include "http/server.h"

namespace tocsin::http {

using TlsContext = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

// An error (not-found, invalid) says which file and what OpenSSL said. Keys with a pass phrase are refused.
core::Result<TlsContext> make_tls_context(const TlsFiles& files);

// RFC 2253; empty where the peer sent no certificate or it was not verified.
std::string verified_subject(SSL* ssl);

}  // namespace tocsin::http
