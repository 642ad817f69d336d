#include "cli/sinks/gzip.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

namespace tocsin::cli {
namespace {

la_ssize_t append(archive*, void* out, const void* bytes, std::size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

bool write_all(archive* writer, std::string_view text, std::string& out) {
  if (archive_write_add_filter_gzip(writer) != ARCHIVE_OK || archive_write_set_format_raw(writer) != ARCHIVE_OK)
    return false;
  if (archive_write_set_options(writer, "gzip:compression-level=4,gzip:!timestamp") != ARCHIVE_OK) return false;
  // Nothing is added behind the end, where a tape would want whole blocks.
  archive_write_set_bytes_per_block(writer, 0);
  if (archive_write_open(writer, &out, nullptr, append, nullptr) != ARCHIVE_OK) return false;
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  if (archive_write_header(writer, entry.get()) != ARCHIVE_OK) return false;
  if (archive_write_data(writer, text.data(), text.size()) != static_cast<la_ssize_t>(text.size())) return false;
  return archive_write_close(writer) == ARCHIVE_OK;
}

}  // namespace

std::string gzip(std::string_view text) {
  std::string out;
  archive* writer = archive_write_new();
  if (writer == nullptr || !write_all(writer, text, out)) out.clear();
  archive_write_free(writer);
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out += i <= count ? kLetters[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace tocsin::cli
