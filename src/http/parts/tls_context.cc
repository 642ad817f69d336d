#include "http/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509.h>

namespace tocsin::http {
namespace {

core::Error tls_error(const std::string& what, const std::string& path) {
  char reason[256] = "unknown reason";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return {core::ErrorCode::kInvalid, what + " '" + path + "': " + reason};
}

// Only "http/1.1" is spoken. A client that offers other protocols alone goes on without one, as RFC 7301 leaves open.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                    void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int no_pass_phrase(char*, int, int, void*) { return 0; }

}  // namespace

core::Result<TlsContext> make_tls_context(const TlsFiles& files) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return core::Error{core::ErrorCode::kIo, "OpenSSL has no memory for a TLS context"};
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_default_passwd_cb(raw, no_pass_phrase);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate_chain_path.c_str()) != 1) {
    return tls_error("cannot use the certificate chain", files.certificate_chain_path);
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files.private_key_path.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return tls_error("cannot use the private key", files.private_key_path);
  }
  if (files.client_ca_path.empty()) {
    if (files.require_client_certificate) {
      return core::Error{core::ErrorCode::kInvalid, "client certificates are required, but no client CA is named"};
    }
    return context;
  }
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.client_ca_path.c_str());
  if (names == nullptr) return tls_error("cannot use the client CA", files.client_ca_path);
  SSL_CTX_set_client_CA_list(raw, names);  // Takes them over.
  if (SSL_CTX_load_verify_locations(raw, files.client_ca_path.c_str(), nullptr) != 1) {
    return tls_error("cannot use the client CA", files.client_ca_path);
  }
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | (files.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return context;
}

std::string verified_subject(SSL* ssl) {
  if (SSL_get_verify_result(ssl) != X509_V_OK) return {};
  const std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(ssl), X509_free);
  if (!certificate) return {};
  const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
  if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace tocsin::http
