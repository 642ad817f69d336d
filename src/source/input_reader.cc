#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "source/file/archive_reader.h"
#include "source/file/byte_source.h"
#include "source/file/content_kind.h"
#include "source/file/mapped_file.h"
#include "source/file_input.h"

namespace tocsin::source {

std::string_view Stream::head() {
  if (head_read_) return head_;
  head_read_ = true;
  head_.resize(kHeadBytes);
  std::size_t done = 0;
  while (done < kHeadBytes) {
    const std::size_t got = fetch(std::span(head_).subspan(done));
    if (got == 0) {
      ended_ = true;
      break;
    }
    done += got;
  }
  head_.resize(done);
  return head_;
}

std::size_t Stream::read(std::span<char> out) {
  if (out.empty()) return 0;
  if (head_given_bytes_ < head_.size()) {
    const std::size_t size = std::min(out.size(), head_.size() - head_given_bytes_);
    std::memcpy(out.data(), head_.data() + head_given_bytes_, size);
    head_given_bytes_ += size;
    return size;
  }
  if (ended_) return 0;
  // Once read() has begun, head() can only show what is left of it: it must be called first to see the beginning.
  head_read_ = true;
  const std::size_t size = fetch(out);
  ended_ = size == 0;
  return size;
}

core::Result<std::shared_ptr<const MappedFile>> Stream::map() {
  return core::Error{core::ErrorCode::kUnsupported, "Only a plain file can be mapped."};
}

void Stream::fail(std::string cause, std::string detail) {
  broken_ = true;
  problems_->add({name_, std::move(cause), std::move(detail)});
}

namespace {

class PlainStream : public Stream {
 public:
  PlainStream(std::string name, ByteSource& source, ProblemLog& problems)
      : Stream(std::move(name), problems), source_(&source) {}
  bool can_map() const override { return source_->descriptor() >= 0 && source_->seekable_bytes() >= 0; }
  core::Result<std::shared_ptr<const MappedFile>> map() override {
    if (!can_map()) return Stream::map();
    auto file = map_file(source_->descriptor());
    if (file.ok()) mapped_bytes_ = (*file)->bytes().size();
    return file;
  }
  std::uint64_t mapped_bytes() const { return mapped_bytes_; }

 protected:
  std::size_t fetch(std::span<char> out) override {
    auto size = source_->read(out);
    if (size.ok()) return *size;
    fail("io", size.error().text);
    return 0;
  }

 private:
  ByteSource* source_;
  std::uint64_t mapped_bytes_ = 0;
};

// Opens without waiting: a pipe put in the file's place must not hang us.
core::Result<int> open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) {
    const int error = errno;
    const auto code = error == ENOENT   ? core::ErrorCode::kNotFound
                      : error == EACCES ? core::ErrorCode::kDenied
                                        : core::ErrorCode::kIo;
    return core::Error{code, std::string("Cannot be opened: ") + std::strerror(error) + "."};
  }
  struct stat info{};
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) return descriptor;
  ::close(descriptor);
  return core::Error{core::ErrorCode::kUnsupported, "Not a regular file."};
}

const char* cause_of(core::ErrorCode code) {
  switch (code) {
    case core::ErrorCode::kNotFound: return "not-found";
    case core::ErrorCode::kDenied: return "no-permission";
    case core::ErrorCode::kUnsupported: return "special-file";
    default: return "io";
  }
}

}  // namespace

// `levels` is the path of open archives from the file down to the stream handed out: level 0 reads `file` (or, where it
// cannot be seeked, `plain` on top of it), each further level reads the member of the level before.
struct InputReader::Impl {
  explicit Impl(const ReadOptions& read_options) : options(read_options) {}

  struct Level {
    // Destroyed in reverse order: the archive ends before the member it reads from.
    std::unique_ptr<Stream> around;      // Null at level 0.
    std::unique_ptr<ByteSource> source;  // On top of it; null where the archive reads `file` itself.
    std::unique_ptr<ArchiveReader> archive;
  };

  void start(std::string name, std::unique_ptr<ByteSource> source);
  void open_level(Stream& stream, std::unique_ptr<Stream> around, ContentKind kind);
  bool refuse(const Stream& stream, ContentKind kind);
  std::unique_ptr<ByteSource> source_for(Stream& stream, ContentKind kind);
  Stream* next();
  Stream* next_member();

  const ReadOptions options;
  ProblemLog problems;
  std::unique_ptr<ByteSource> file;
  Budget budget;
  std::unique_ptr<PlainStream> plain;
  std::vector<Level> levels;
  std::unique_ptr<Stream> current;
  bool started = false;
};

void InputReader::Impl::start(std::string name, std::unique_ptr<ByteSource> source) {
  file = std::move(source);
  budget = {.options = &options, .file = file.get()};
  plain = std::make_unique<PlainStream>(std::move(name), *file, problems);
}

bool InputReader::Impl::refuse(const Stream& stream, ContentKind kind) {
  if (kind == ContentKind::kRefused) {
    problems.add({stream.name(), "archive-unsupported",
                  "This is a .rar or .cab archive; unpack it first, or pack it as .zip or .tar."});
    return true;
  }
  if (levels.size() < options.max_archive_depth) return false;
  problems.add({stream.name(), "archive-nesting",
                "Archives are nested deeper than " + std::to_string(options.max_archive_depth) + " levels."});
  return true;
}

// Null, with the problem added, where the archive needs seeking and is too large for memory.
std::unique_ptr<ByteSource> InputReader::Impl::source_for(Stream& stream, ContentKind kind) {
  if (kind != ContentKind::kZip && kind != ContentKind::kSevenZip) return make_stream_source(stream);
  std::string bytes;
  std::string part(256 * 1024, '\0');
  while (const std::size_t size = stream.read(part)) {
    if (bytes.size() + size > options.max_nested_bytes) {
      problems.add({stream.name(), "archive-nesting",
                    "An archive of more than " + std::to_string(options.max_nested_bytes) +
                        " bytes inside another, or from a pipe; unpack the outer one first."});
      return nullptr;
    }
    bytes.append(part, 0, size);
  }
  return make_memory_source(std::move(bytes));
}

void InputReader::Impl::open_level(Stream& stream, std::unique_ptr<Stream> around, ContentKind kind) {
  auto source = source_for(stream, kind);
  if (source == nullptr) return;
  auto archive = std::make_unique<ArchiveReader>(*source, kind, stream.name(), budget, problems);
  levels.push_back({std::move(around), std::move(source), std::move(archive)});
}

Stream* InputReader::Impl::next_member() {
  while (!levels.empty()) {
    current.reset();
    auto member = levels.back().archive->next();
    if (member == nullptr) {
      levels.pop_back();
      continue;
    }
    const ContentKind kind = content_kind(member->head());
    if (kind == ContentKind::kPlain) {
      current = std::move(member);
      return current.get();
    }
    if (refuse(*member, kind)) continue;
    Stream& stream = *member;
    open_level(stream, std::move(member), kind);
  }
  return nullptr;
}

Stream* InputReader::Impl::next() {
  if (plain == nullptr) return nullptr;
  if (std::exchange(started, true)) return next_member();
  const ContentKind kind = content_kind(plain->head());
  if (kind == ContentKind::kPlain) return plain.get();
  if (refuse(*plain, kind)) return nullptr;
  if (file->seekable_bytes() >= 0 && file->seek(0).ok()) {
    levels.push_back({nullptr, nullptr, std::make_unique<ArchiveReader>(*file, kind, plain->name(), budget, problems)});
  } else {
    open_level(*plain, nullptr, kind);
  }
  return next_member();
}

InputReader::InputReader(const Input& input, const ReadOptions& options) : impl_(std::make_unique<Impl>(options)) {
  if (input.standard_input) {
    const int descriptor = ::dup(STDIN_FILENO);
    if (descriptor >= 0) {
      impl_->start(input.name, make_descriptor_source(descriptor, options.stop));
    } else {
      impl_->problems.add({input.name, "io", "Standard input is closed."});
    }
    return;
  }
  auto descriptor = open_file(input.path);
  if (descriptor.ok()) {
    impl_->start(input.name, make_descriptor_source(*descriptor, options.stop));
  } else {
    impl_->problems.add({input.name, cause_of(descriptor.error().code), descriptor.error().text});
  }
}

InputReader::InputReader(std::string name, std::string_view bytes, const ReadOptions& options)
    : impl_(std::make_unique<Impl>(options)) {
  impl_->start(std::move(name), make_memory_source(bytes));
}

InputReader::~InputReader() {
  impl_->current.reset();
  while (!impl_->levels.empty()) impl_->levels.pop_back();  // Innermost first.
}

Stream* InputReader::next() { return impl_->next(); }
const ProblemLog& InputReader::problems() const { return impl_->problems; }

std::uint64_t InputReader::consumed_bytes() const {
  if (impl_->plain == nullptr) return 0;
  // Seeking reads some bytes twice.
  const std::uint64_t read_bytes = std::max(impl_->file->delivered_bytes(), impl_->plain->mapped_bytes());
  const std::int64_t size_bytes = impl_->file->seekable_bytes();
  return size_bytes < 0 ? read_bytes : std::min(read_bytes, static_cast<std::uint64_t>(size_bytes));
}

}  // namespace tocsin::source
