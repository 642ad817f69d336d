// SHA-256 in pieces, by OpenSSL's libcrypto. One thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace tocsin::cli {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes);
  // 64 lower-case hexadecimal digits. Call once, last.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256_of(std::string_view bytes);

}  // namespace tocsin::cli
