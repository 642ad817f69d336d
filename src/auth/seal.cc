#include "auth/seal.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "auth/auth.h"
#include "core/assert.h"

namespace tocsin::auth {
namespace {

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
core::Error failed(const std::string& path) {
  return {core::ErrorCode::kIo, "auth: the key file " + path + ": " + std::strerror(errno)};
}

core::Result<core::Secret> make_key(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return failed(path);
  std::string key(crypto_secretbox_KEYBYTES, '\0');
  randombytes_buf(key.data(), key.size());
  const bool written = ::write(file, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written) return failed(path);
  return core::Secret(std::move(key));
}

}  // namespace

std::string seal(std::string_view plain, const core::Secret& key) {
  TOCSIN_ASSERT(sodium_init() >= 0 && key.reveal().size() == crypto_secretbox_KEYBYTES);
  std::string box(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + plain.size(), '\0');
  auto* at = reinterpret_cast<unsigned char*>(box.data());
  randombytes_buf(at, crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(at + crypto_secretbox_NONCEBYTES, bytes(plain), plain.size(), at, bytes(key.reveal()));
  std::string hex(2 * box.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), at, box.size());
  hex.pop_back();
  return hex;
}

std::optional<core::Secret> unseal(std::string_view sealed, const core::Secret& key) {
  std::string box(sealed.size() / 2, '\0');
  std::size_t size = 0;
  auto* at = reinterpret_cast<unsigned char*>(box.data());
  if (sodium_hex2bin(at, box.size(), sealed.data(), sealed.size(), nullptr, &size, nullptr) != 0 || size != box.size() ||
      size < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES) {
    return std::nullopt;
  }
  std::string plain(size - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES, '\0');
  if (crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(plain.data()), at + crypto_secretbox_NONCEBYTES,
                                 size - crypto_secretbox_NONCEBYTES, at, bytes(key.reveal())) != 0) {
    return std::nullopt;
  }
  return core::Secret(std::move(plain));
}

std::string seal_secret(std::string_view plain, const core::Secret& seal_key) { return seal(plain, seal_key); }
std::optional<core::Secret> unseal_secret(std::string_view sealed, const core::Secret& seal_key) {
  return unseal(sealed, seal_key);
}

core::Result<core::Secret> load_seal_key(const std::string& path) {
  if (sodium_init() < 0) return core::Error{core::ErrorCode::kIo, "auth: libsodium does not start"};
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return errno == ENOENT ? make_key(path) : failed(path);
  struct stat about{};
  std::string key(crypto_secretbox_KEYBYTES + 1, '\0');
  const ssize_t size = ::fstat(file, &about) == 0 ? ::read(file, key.data(), key.size()) : -1;
  ::close(file);
  core::Secret secret(std::move(key));
  if (size < 0) return failed(path);
  if ((about.st_mode & 077) != 0) {
    return core::Error{core::ErrorCode::kDenied, "auth: the key file " + path + " is not for its owner only: chmod 600"};
  }
  if (size != crypto_secretbox_KEYBYTES) {
    return core::Error{core::ErrorCode::kInvalid, "auth: the key file " + path + " has not 32 bytes"};
  }
  return core::Secret(std::string(secret.reveal().substr(0, crypto_secretbox_KEYBYTES)));
}

}  // namespace tocsin::auth
