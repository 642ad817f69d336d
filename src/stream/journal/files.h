// File descriptors and the few disk operations of the journal, with errors as sentences.
//
// Blocking. Any thread; one descriptor is one owner's. What "written aside" promises: after a crash at any moment the name
// holds the old bytes whole or the new ones whole.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"

namespace tocsin::stream {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// "cannot write /var/x: No space left on device"; kLimit for want of space, kDenied for rights, kNotFound, else kIo.
core::Error io_error(std::string_view verb, const std::string& path, int error_number);

core::Result<Descriptor> open_file(const std::string& path, int flags);
core::Result<std::uint64_t> file_bytes(const Descriptor& file, const std::string& path);
// Writes all at `offset`. After an error part of it may be there.
core::Result<void> write_at(const Descriptor& file, const std::string& path, std::uint64_t offset, std::string_view bytes);
// Reads exactly `size_bytes`; a file that ends before is an error.
core::Result<void> read_at(const Descriptor& file, const std::string& path, std::uint64_t offset, char* out,
                           std::size_t size_bytes);
core::Result<void> sync_data(const Descriptor& file, const std::string& path);
core::Result<void> sync_all(const Descriptor& file, const std::string& path);  // Of a folder: its names.

// A small file of one number and some bytes, with checksums, written aside.
struct KeptFile {
  std::uint64_t number = 0;
  std::string bytes;
};
inline constexpr std::size_t kMaxKeptBytes = 256u << 20;
// `scratch` must differ between calls under way at once.
core::Result<void> write_kept(const Descriptor& folder, const std::string& path, const std::string& scratch,
                              std::uint64_t number, std::string_view bytes);
// kNotFound where there is none, kInvalid where it is damaged.
core::Result<KeptFile> read_kept(const std::string& path);
core::Result<std::uint64_t> read_kept_number(const std::string& path);  // Without reading or checking the bytes.

}  // namespace tocsin::stream
