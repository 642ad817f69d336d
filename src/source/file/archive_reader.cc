// Only the formats that logs come in are enabled, and no filter that would start another program.
//
// Bombs. A member is refused once it gives more than max_expansion bytes for each byte that its archive took from its
// source meanwhile; the same holds for all output of an input against the bytes of the file itself, which catches
// archives in archives (100 times in 100 times). Passing over a member costs as much as reading it wherever the members
// lie in one compressed stream (tar.gz, 7z), so there passing over is reading, under the same limits, and a refused
// member ends its archive. Only a .zip with its index can jump.
#include "source/file/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tocsin::source {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;
constexpr int kMaxEmptyBlocks = 10'000;
constexpr int kMaxRetries = 8;  // libarchive says "retry" for headers it stepped over; a hostile file must not spin.

std::string member_name(archive_entry* entry, std::uint32_t number) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr || *name == '\0') name = archive_entry_pathname(entry);
  if (name == nullptr || *name == '\0') return "member-" + std::to_string(number);
  std::string_view bytes = name;
  if (bytes.size() <= kMaxMemberNameBytes) return display_name(bytes);
  return display_name(bytes.substr(0, kMaxMemberNameBytes)) + "...";
}

// Enables what our own look at the content found and nothing else: left to itself, the library takes a log that begins
// with zeros for an empty tar.
int support(archive* handle, ContentKind kind) {
  switch (kind) {
    case ContentKind::kTar: return archive_read_support_format_tar(handle);
    case ContentKind::kZip: return archive_read_support_format_zip(handle);
    case ContentKind::kSevenZip: return archive_read_support_format_7zip(handle);
    default: break;
  }
  int worst = ARCHIVE_OK;
  for (const auto enable :
       {archive_read_support_filter_gzip, archive_read_support_filter_bzip2, archive_read_support_filter_xz,
        archive_read_support_filter_zstd, archive_read_support_filter_lz4, archive_read_support_filter_lzip,
        archive_read_support_format_raw, archive_read_support_format_empty}) {
    worst = std::min(worst, enable(handle));
  }
  return worst;
}

}  // namespace

struct ArchiveReader::Impl {
  Impl(ByteSource& from, ContentKind its_kind, std::string its_name, Budget& shared_budget, ProblemLog& log)
      : source(from), kind(its_kind), name(std::move(its_name)), budget(shared_budget), problems(log) {}

  ByteSource& source;
  const ContentKind kind;
  std::string name;
  Budget& budget;
  ProblemLog& problems;
  archive* handle = nullptr;
  std::array<char, kBlockBytes> block{};
  la_int64_t position = 0;  // In the source; used where it can be seeked.
  bool opened = false;
  bool ended = false;
  Member* open_member = nullptr;  // The stream handed out last, while it lives.
  bool member_done = true;
  std::uint64_t member_bytes = 0;
  // Of the member's last block, what was not given out yet: a hole of zeros, then bytes in the library's memory.
  std::uint64_t hole_bytes = 0;
  std::string_view left = {};
  std::uint64_t member_start_bytes = 0;  // Of the source, when the member began.
  std::uint32_t number = 0;

  void open();
  void add_problem(const char* cause, const std::string& detail) { problems.add({name, cause, detail}); }
  [[nodiscard]] std::string library_error() const;
  void report_header_failure();
  [[nodiscard]] bool can_jump() const { return kind == ContentKind::kZip && source.seekable_bytes() >= 0; }
  archive_entry* next_entry();

  // Reads from the current member. 0 at its end; on failure sets cause and detail, and the member is done.
  std::size_t read(std::span<char> out, std::string& cause, std::string& detail);
  bool over_limit(std::string& cause, std::string& detail);
  void pass_over(const std::string& member);

  static la_ssize_t on_read(archive* handle, void* self, const void** buffer);
  static la_int64_t on_seek(archive* handle, void* self, la_int64_t offset, int whence);
};

class ArchiveReader::Member : public Stream {
 public:
  Member(std::string name, Impl& archive) : Stream(std::move(name), archive.problems), archive_(&archive) {
    archive.open_member = this;
  }
  ~Member() override {
    if (archive_ != nullptr) archive_->open_member = nullptr;
  }
  void detach() { archive_ = nullptr; }

 protected:
  std::size_t fetch(std::span<char> out) override {
    if (archive_ == nullptr) return 0;
    std::string cause, detail;
    const std::size_t size = archive_->read(out, cause, detail);
    if (size != 0 || cause.empty()) return size;
    if (archive_->source.failure_is_known()) {
      break_off();
    } else {
      fail(std::move(cause), std::move(detail));
    }
    return 0;
  }

 private:
  Impl* archive_;
};

la_ssize_t ArchiveReader::Impl::on_read(archive* handle, void* self, const void** buffer) {
  auto& impl = *static_cast<Impl*>(self);
  *buffer = impl.block.data();
  auto size = impl.source.read(impl.block);
  if (size.ok()) {
    impl.position += static_cast<la_int64_t>(*size);
    return static_cast<la_ssize_t>(*size);
  }
  archive_set_error(handle, EIO, "%s", size.error().text.c_str());
  return -1;
}

la_int64_t ArchiveReader::Impl::on_seek(archive* handle, void* self, la_int64_t offset, int whence) {
  auto& impl = *static_cast<Impl*>(self);
  const la_int64_t size = impl.source.seekable_bytes();
  const la_int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? impl.position : size;
  la_int64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > size) {
    archive_set_error(handle, EINVAL, "a position outside the file");
    return ARCHIVE_FATAL;
  }
  if (!impl.source.seek(static_cast<std::uint64_t>(target)).ok()) return ARCHIVE_FATAL;
  impl.position = target;
  return target;
}

void ArchiveReader::Impl::open() {
  handle = archive_read_new();
  if (handle == nullptr) {
    ended = true;
    add_problem("io", "Not enough memory to open it.");
    return;
  }
  if (support(handle, kind) != ARCHIVE_OK) add_problem("io", "The archive library lacks a format: " + library_error() + ".");
  archive_read_set_callback_data(handle, this);
  archive_read_set_read_callback(handle, &Impl::on_read);
  if (source.seekable_bytes() >= 0) archive_read_set_seek_callback(handle, &Impl::on_seek);
  opened = archive_read_open1(handle) == ARCHIVE_OK;
  if (!opened) {
    report_header_failure();
    ended = true;
  }
}

std::string ArchiveReader::Impl::library_error() const {
  const char* text = archive_error_string(handle);
  return text == nullptr ? "unknown error" : display_name(std::string_view(text).substr(0, 500));
}

void ArchiveReader::Impl::report_header_failure() {
  if (source.failure_is_known()) return;
  // After a failed open the library (3.6.2) would look for the answer behind the end of its list of formats.
  if (opened && archive_read_has_encrypted_entries(handle) == 1) {
    add_problem("archive-encrypted", "The archive is encrypted: " + library_error() + ".");
  } else {
    add_problem("archive-broken", "The archive cannot be read further: " + library_error() + ".");
  }
}

archive_entry* ArchiveReader::Impl::next_entry() {
  for (int tries = 0; !ended && !budget.spent;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(handle, &entry);
    if (status == ARCHIVE_OK || status == ARCHIVE_WARN) return entry;
    if (status == ARCHIVE_EOF) break;
    if (status == ARCHIVE_RETRY && ++tries < kMaxRetries) continue;
    report_header_failure();
    break;
  }
  ended = true;
  return nullptr;
}

bool ArchiveReader::Impl::over_limit(std::string& cause, std::string& detail) {
  const ReadOptions& options = *budget.options;
  const std::uint64_t free_bytes = options.unchecked_expanded_bytes;
  const std::uint64_t own_bytes = source.delivered_bytes() - member_start_bytes + kBlockBytes;  // Part of a block was there.
  if (budget.expanded_bytes > options.max_expanded_bytes) {
    cause = "archive-size";
    detail = "More than " + std::to_string(options.max_expanded_bytes) +
             " bytes came out of this input; the rest of it is left out.";
    budget.spent = true;
  } else if (budget.expanded_bytes > free_bytes &&
             budget.expanded_bytes / options.max_expansion > budget.file->delivered_bytes() + kBlockBytes) {
    cause = "archive-ratio";
    detail = "This input expands more than " + std::to_string(options.max_expansion) + " times; the rest of it is left out.";
    budget.spent = true;
  } else if (member_bytes > free_bytes && member_bytes / options.max_expansion > own_bytes) {
    cause = "archive-ratio";
    detail =
        "This member expands more than " + std::to_string(options.max_expansion) + " times; the rest of it is left out.";
    if (!can_jump()) {
      detail += " So are the members after it, for they cannot be reached without expanding it.";
      ended = true;
    }
  } else {
    return false;
  }
  member_done = true;
  return true;
}

std::size_t ArchiveReader::Impl::read(std::span<char> out, std::string& cause, std::string& detail) {
  if (member_done || ended || budget.spent || out.empty()) return 0;
  // Block by block: the library's own copying throws away what it had copied when a later block is broken.
  int empty_blocks = 0;
  for (int tries = 0; hole_bytes == 0 && left.empty();) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(handle, &bytes, &size, &offset);
    if (status == ARCHIVE_RETRY && ++tries < kMaxRetries) continue;
    const auto expected = static_cast<la_int64_t>(member_bytes);
    const bool odd = size > 0 ? offset < expected : ++empty_blocks > kMaxEmptyBlocks;
    if (status != ARCHIVE_OK || odd) {
      member_done = true;
      if (status == ARCHIVE_EOF) return 0;
      cause = "archive-broken";
      detail = "Broken off after " + std::to_string(member_bytes) +
               " bytes: " + (status == ARCHIVE_OK ? std::string("its parts do not follow each other") : library_error()) +
               ".";
      ended = status == ARCHIVE_FATAL;
      return 0;
    }
    if (size == 0) continue;
    left = {static_cast<const char*>(bytes), size};
    hole_bytes = static_cast<std::uint64_t>(offset - expected);
  }
  std::size_t size = 0;
  if (hole_bytes > 0) {
    size = static_cast<std::size_t>(std::min<std::uint64_t>(hole_bytes, out.size()));
    std::memset(out.data(), 0, size);
    hole_bytes -= size;
  } else {
    size = left.copy(out.data(), out.size());
    left.remove_prefix(size);
  }
  member_bytes += size;
  budget.expanded_bytes += size;
  return over_limit(cause, detail) ? 0 : size;
}

void ArchiveReader::Impl::pass_over(const std::string& member) {
  if (member_done || can_jump()) return;
  std::array<char, 16 * 1024> bin;
  std::string cause, detail;
  while (read(bin, cause, detail) > 0) {
  }
  if (!cause.empty() && !source.failure_is_known()) problems.add({member, cause, detail});
}

ArchiveReader::ArchiveReader(ByteSource& source, ContentKind kind, std::string name, Budget& budget, ProblemLog& problems)
    : impl_(std::make_unique<Impl>(source, kind, std::move(name), budget, problems)) {
  impl_->open();
}

ArchiveReader::~ArchiveReader() {
  if (impl_->open_member != nullptr) impl_->open_member->detach();
  if (impl_->handle != nullptr) archive_read_free(impl_->handle);
}

std::unique_ptr<Stream> ArchiveReader::next() {
  Impl& impl = *impl_;
  std::string last = impl.name;
  if (impl.open_member != nullptr) {
    last = impl.open_member->name();
    impl.open_member->detach();
    impl.open_member = nullptr;
  }
  for (;;) {
    impl.pass_over(last);
    if (impl.ended || impl.budget.spent) return nullptr;
    archive_entry* entry = impl.next_entry();
    if (entry == nullptr) return nullptr;
    ++impl.number;
    impl.member_done = false;
    impl.hole_bytes = 0;
    impl.left = {};
    impl.member_bytes = 0;
    impl.member_start_bytes = impl.source.delivered_bytes();
    std::string name = impl.kind == ContentKind::kCompressed ? impl.name : impl.name + "!" + member_name(entry, impl.number);
    last = name;
    if (++impl.budget.member_count > impl.budget.options->max_members) {
      impl.add_problem("archive-members",
                       "More than " + std::to_string(impl.budget.options->max_members) + " members; the rest is left out.");
      impl.budget.spent = true;
      return nullptr;
    }
    if (archive_entry_is_encrypted(entry) != 0) {
      impl.problems.add({name, "archive-encrypted", "This member is encrypted."});
      impl.member_done = true;
      continue;
    }
    const auto type = archive_entry_filetype(entry);
    const bool regular = (type == AE_IFREG || type == 0) && archive_entry_hardlink(entry) == nullptr;
    if (regular) return std::make_unique<Member>(std::move(name), impl);
  }
}

}  // namespace tocsin::source
