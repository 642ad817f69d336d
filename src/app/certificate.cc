#include "app/certificate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>

namespace tocsin::app {
namespace {

using core::Error;
using core::ErrorCode;

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kGoodSeconds = 397 * kDaySeconds;  // The longest that browsers take.
constexpr std::int64_t kRenewSeconds = 30 * kDaySeconds;
constexpr std::int64_t kBackdateSeconds = 3'600;  // For clients whose clocks are behind.
constexpr std::size_t kMaxNames = 32;
constexpr long kMaxPemBytes = 1 << 20;

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

std::string last_error() {
  char text[256] = "unknown error";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}
Error openssl_error(const std::string& what) { return {ErrorCode::kIo, what + ": " + last_error()}; }

// The file as a memory BIO, bounded.
core::Result<BioPtr> read_pem(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
    return Error{code, "cannot read " + path + ": " + std::strerror(errno)};
  }
  struct stat status{};
  std::string text;
  ssize_t got = -1;
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= kMaxPemBytes) {
    text.resize(static_cast<std::size_t>(status.st_size));
    got = ::read(fd, text.data(), text.size());
  }
  ::close(fd);
  if (got < 0) return Error{ErrorCode::kInvalid, path + " is not a PEM file of at most 1 MB"};
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || BIO_write(bio.get(), text.data(), static_cast<int>(got)) != got) return openssl_error(path);
  OPENSSL_cleanse(text.data(), text.size());  // It may be a key.
  return bio;
}

core::Result<X509Ptr> read_certificate(const std::string& path) {
  const BioPtr bio = TOCSIN_TRY(read_pem(path));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate == nullptr)
    return Error{ErrorCode::kInvalid, path + " holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"};
  return certificate;
}

int no_passphrase(char*, int, int, void*) { return -1; }

core::Result<KeyPtr> read_key(const std::string& path) {
  const BioPtr bio = TOCSIN_TRY(read_pem(path));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return Error{ErrorCode::kInvalid,
                 path + " holds no private key in PEM (-----BEGIN PRIVATE KEY-----) without a passphrase"};
  }
  return key;
}

core::Timestamp to_timestamp(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return core::kNoTime;
  core::CivilTime civil;
  civil.year = parts.tm_year + 1900;
  civil.month = static_cast<unsigned>(parts.tm_mon + 1);
  civil.day = static_cast<unsigned>(parts.tm_mday);
  civil.hour = static_cast<unsigned>(parts.tm_hour);
  civil.minute = static_cast<unsigned>(parts.tm_min);
  civil.second = static_cast<unsigned>(parts.tm_sec);
  return core::from_civil(civil).value_or(core::kNoTime);
}

std::string rfc2253(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::string fingerprint(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
  std::string out;
  char pair[4];
  for (unsigned i = 0; i < size; ++i) {
    std::snprintf(pair, sizeof pair, "%s%02X", i == 0 ? "" : ":", digest[i]);
    out += pair;
  }
  return out;
}

std::vector<std::string> alternative_names(const X509* certificate) {
  std::vector<std::string> out;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const auto* value =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    const auto* bytes = type == GEN_DNS || type == GEN_IPADD ? ASN1_STRING_get0_data(value) : nullptr;
    if (bytes == nullptr) continue;
    const int size = ASN1_STRING_length(value);
    char text[INET6_ADDRSTRLEN] = "";
    if (type == GEN_DNS)
      out.emplace_back(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    else if (size == 4 && ::inet_ntop(AF_INET, bytes, text, sizeof text) != nullptr)
      out.emplace_back(text);
    else if (size == 16 && ::inet_ntop(AF_INET6, bytes, text, sizeof text) != nullptr)
      out.emplace_back(text);
  }
  return out;
}

bool is_address(const std::string& name) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, name.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}
bool is_host_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7F) | 0x40);  // Positive, not zero.
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool set = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

core::Result<X509Ptr> make_certificate(EVP_PKEY* key, const std::vector<std::string>& names, core::Timestamp now) {
  std::string alternatives, common = "tocsin";
  std::size_t count = 0;
  for (const std::string& name : names) {
    const bool address = is_address(name);
    if ((!address && !is_host_name(name)) || count == kMaxNames) continue;
    if (!address && name.size() <= 64 && (common == "tocsin" || common == "localhost")) common = name;
    alternatives += (alternatives.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
    ++count;
  }
  if (alternatives.empty()) alternatives = "DNS:localhost";
  X509Ptr certificate(X509_new());
  if (certificate == nullptr) return openssl_error("certificate");
  X509* x = certificate.get();
  const std::time_t seconds = static_cast<std::time_t>(now.ns / 1'000'000'000);
  X509_NAME* subject = X509_get_subject_name(x);
  const bool made =
      X509_set_version(x, 2) == 1 && set_serial(x) &&
      ASN1_TIME_set(X509_getm_notBefore(x), seconds - kBackdateSeconds) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(x), seconds - kBackdateSeconds + kGoodSeconds) != nullptr &&
      X509_set_pubkey(x, key) == 1 &&
      X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Tocsin"), -1, -1, 0) ==
          1 &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.c_str()), -1,
                                 -1, 0) == 1 &&
      X509_set_issuer_name(x, subject) == 1 && add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(x, NID_key_usage, "critical,digitalSignature") && add_extension(x, NID_ext_key_usage, "serverAuth") &&
      add_extension(x, NID_subject_key_identifier, "hash") && add_extension(x, NID_subject_alt_name, alternatives) &&
      X509_sign(x, key, EVP_sha256()) > 0;
  if (!made) return openssl_error("cannot make a certificate");
  return certificate;
}

// Written aside and renamed, so that a crash leaves the old file or the new one.
core::Result<void> write_pem(const std::string& path, mode_t mode, BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  const std::string aside = path + ".new";
  ::unlink(aside.c_str());
  const int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return Error{ErrorCode::kIo, "cannot write " + aside + ": " + std::strerror(errno)};
  const bool written = ::write(fd, bytes, static_cast<std::size_t>(size)) == size && ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  if (!written || ::rename(aside.c_str(), path.c_str()) != 0) {
    const std::string text = std::strerror(written ? errno : why);
    ::unlink(aside.c_str());
    return Error{ErrorCode::kIo, "cannot write " + path + ": " + text};
  }
  return {};
}

// Good for some time yet, and with its key.
bool still_good(const CertificateFiles& files, core::Timestamp now) {
  const core::Result<X509Ptr> certificate = read_certificate(files.certificate);
  const core::Result<KeyPtr> key = read_key(files.key);
  if (!certificate.ok() || !key.ok() || X509_check_private_key(certificate->get(), key->get()) != 1) {
    ERR_clear_error();
    return false;
  }
  const core::Timestamp from = to_timestamp(X509_get0_notBefore(certificate->get()));
  const core::Timestamp to = to_timestamp(X509_get0_notAfter(certificate->get()));
  return from.known() && to.known() && from <= now && now.ns + kRenewSeconds * 1'000'000'000 < to.ns;
}

}  // namespace

core::Result<CertificateFiles> own_certificate(const std::string& folder, const std::vector<std::string>& names,
                                               core::Timestamp now) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) return Error{ErrorCode::kIo, "cannot make " + folder + ": " + error.message()};
  if (made) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  const CertificateFiles files{folder + "/own-certificate.pem", folder + "/own-key.pem"};
  if (still_good(files, now)) return files;
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return openssl_error("cannot make a key");
  const X509Ptr certificate = TOCSIN_TRY(make_certificate(key.get(), names, now));
  const BioPtr key_text(BIO_new(BIO_s_secmem())), certificate_text(BIO_new(BIO_s_mem()));
  if (key_text == nullptr || certificate_text == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1) {
    return openssl_error("cannot write a certificate");
  }
  TOCSIN_TRY(write_pem(files.key, 0600, key_text.get()));
  TOCSIN_TRY(write_pem(files.certificate, 0644, certificate_text.get()));
  return files;
}

std::vector<std::string> host_names() {
  std::vector<std::string> out{"localhost"};
  char host[256] = "";
  if (::gethostname(host, sizeof host - 1) == 0 && is_host_name(host)) out.emplace_back(host);
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return out;
  for (const ifaddrs* at = all; at != nullptr && out.size() < kMaxNames; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
    char text[INET6_ADDRSTRLEN] = "";
    const void* address = nullptr;
    if (at->ifa_addr->sa_family == AF_INET) address = &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr;
    if (at->ifa_addr->sa_family == AF_INET6) {
      const in6_addr& six = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
      if (!IN6_IS_ADDR_LINKLOCAL(&six)) address = &six;  // Means nothing without the interface.
    }
    if (address == nullptr || ::inet_ntop(at->ifa_addr->sa_family, address, text, sizeof text) == nullptr) continue;
    if (std::find(out.begin(), out.end(), text) == out.end()) out.emplace_back(text);
  }
  ::freeifaddrs(all);
  return out;
}

core::Result<void> check_certificate_pair(const std::string& certificate, const std::string& key) {
  const X509Ptr read = TOCSIN_TRY(read_certificate(certificate));
  const KeyPtr private_key = TOCSIN_TRY(read_key(key));
  const bool fits = X509_check_private_key(read.get(), private_key.get()) == 1;
  ERR_clear_error();
  if (!fits) return Error{ErrorCode::kInvalid, "the key in " + key + " is not that of the certificate in " + certificate};
  return {};
}

core::Result<api::Certificate> describe_certificate(const std::string& name, const std::string& path) {
  const X509Ptr certificate = TOCSIN_TRY(read_certificate(path));
  api::Certificate out;
  out.name = name;
  out.subject = rfc2253(X509_get_subject_name(certificate.get()));
  out.issuer = rfc2253(X509_get_issuer_name(certificate.get()));
  out.sha256 = fingerprint(certificate.get());
  out.not_before = to_timestamp(X509_get0_notBefore(certificate.get()));
  out.not_after = to_timestamp(X509_get0_notAfter(certificate.get()));
  out.names = alternative_names(certificate.get());
  out.self_signed = X509_NAME_cmp(X509_get_subject_name(certificate.get()), X509_get_issuer_name(certificate.get())) == 0;
  return out;
}

}  // namespace tocsin::app
