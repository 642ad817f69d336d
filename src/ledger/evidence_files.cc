#include "ledger/evidence_files.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/assert.h"

namespace tocsin::ledger {
namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;

constexpr std::size_t kBlockBytes = 256u << 10;

Error failed(const char* verb, const std::string& path, int number) {
  const ErrorCode code = number == ENOENT                       ? ErrorCode::kNotFound
                         : number == ENOSPC || number == EDQUOT ? ErrorCode::kLimit
                                                                : ErrorCode::kIo;
  return {code, std::string("evidence: cannot ") + verb + " " + path + ": " + std::strerror(number)};
}

class Open {
 public:
  explicit Open(int fd) : fd_(fd) {}
  ~Open() {
    if (fd_ >= 0) ::close(fd_);
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

class Sha256 {
 public:
  Sha256() { crypto_hash_sha256_init(&state_); }
  void add(std::string_view bytes) {
    crypto_hash_sha256_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  std::string hex() {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256_final(&state_, digest.data());
    std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text{};
    sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
    return text.data();
  }

 private:
  crypto_hash_sha256_state state_{};
};

core::Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("make", path, errno);
  return {};
}
core::Result<void> sync_folder(const std::string& path) {
  const Open folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok() || ::fsync(folder.get()) != 0) return failed("write", path, errno);
  return {};
}

core::Result<std::string> write_file(const std::string& path, std::string_view bytes) {
  const Open file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.ok()) return failed("write", path, errno);
  Sha256 sum;
  while (!bytes.empty()) {
    const std::string_view block = bytes.substr(0, kBlockBytes);
    const ssize_t wrote = ::write(file.get(), block.data(), block.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return failed("write", path, wrote == 0 ? ENOSPC : errno);
    sum.add(block.substr(0, static_cast<std::size_t>(wrote)));
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (::fsync(file.get()) != 0) return failed("write", path, errno);
  return sum.hex();
}

}  // namespace

EvidenceFiles::EvidenceFiles(std::string folder, core::Metrics& metrics)
    : folder_(std::move(folder)),
      incoming_(folder_ + ".incoming"),
      stored_(metrics.counter("tocsin_evidence_stored_bytes_total", "Bytes of evidence that were written.")),
      mismatches_(metrics.counter("tocsin_evidence_mismatches_total",
                                  "Files of evidence that were read and are not what was added, or are gone.")) {}

core::Result<std::unique_ptr<EvidenceFiles>> EvidenceFiles::open(const std::string& folder, core::Metrics& metrics) {
  if (sodium_init() < 0) return Error{ErrorCode::kIo, "evidence: the cryptographic library does not start"};
  std::unique_ptr<EvidenceFiles> out(new EvidenceFiles(folder, metrics));
  const auto prepared = out->prepare();
  if (!prepared.ok()) return prepared.error();
  return out;
}

core::Result<void> EvidenceFiles::prepare() {
  TOCSIN_TRY(make_folder(folder_));
  TOCSIN_TRY(make_folder(incoming_));
  std::error_code error;
  for (fs::directory_iterator at(incoming_, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;  // A leftover that stays harms nobody.
    fs::remove(at->path(), ignored);
  }
  return {};
}

core::Result<std::string> EvidenceFiles::put(std::string_view bytes) {
  if (bytes.size() > kMaxEvidenceFileBytes) {
    return Error{ErrorCode::kLimit, "the file has " + std::to_string(bytes.size()) + " bytes; at most " +
                                        std::to_string(kMaxEvidenceFileBytes) + " are taken"};
  }
  const std::string aside = incoming_ + "/" + std::to_string(::getpid()) + "-" + std::to_string(next_++);
  const auto sum = write_file(aside, bytes);
  if (!sum.ok()) {
    ::unlink(aside.c_str());
    return sum;
  }
  const std::string place = folder_ + "/" + sum->substr(0, 2);
  auto done = make_folder(place);
  const std::string path = place + "/" + *sum;
  if (done.ok() && ::rename(aside.c_str(), path.c_str()) != 0) done = failed("write", path, errno);
  if (done.ok()) done = sync_folder(place);
  if (done.ok()) done = sync_folder(folder_);
  if (!done.ok()) {
    ::unlink(aside.c_str());
    return done.error();
  }
  stored_.add(bytes.size());
  return sum;
}

core::Result<EvidenceFiles::Read> EvidenceFiles::read(const std::string& sha256) {
  TOCSIN_ASSERT(sha256.size() == 2 * crypto_hash_sha256_BYTES && sha256.find('/') == std::string::npos);
  const std::string path = folder_ + "/" + sha256.substr(0, 2) + "/" + sha256;
  Read out;
  const Open file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.ok()) {
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) return failed("read", path, errno);
    mismatches_.add();
    return out;
  }
  Sha256 sum;
  std::string block(kBlockBytes, '\0');
  std::size_t size = 0;
  while (true) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path, errno);
    if (got == 0) break;
    const std::string_view piece(block.data(), static_cast<std::size_t>(got));
    sum.add(piece);
    size += piece.size();
    // One that has grown is not kept; its sum says what it is.
    if (size <= kMaxEvidenceFileBytes) out.bytes += piece;
  }
  out.sha256 = sum.hex();
  if (!out.intact(sha256)) {
    mismatches_.add();
    out.bytes.clear();
  }
  return out;
}

}  // namespace tocsin::ledger
