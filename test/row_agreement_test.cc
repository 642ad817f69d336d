// Rows against the OCSF view of the same events: all sample logs of the project and the shared data, decoded for real.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "decode/decoder.h"
#include "normalise/rows.h"
#include "normalise/rows/row_check.h"
#include "testing/paths.h"

namespace tocsin::normalise {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxEventsPerFile = 300;
constexpr std::size_t kWindowBytes = 256 * 1024;
constexpr std::size_t kMaxBytesPerFile = 512 * 1024;  // What is behind it is cut off, and a bad record at most.

std::string read_beginning(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string out(kMaxBytesPerFile, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<std::size_t>(in.gcount()));
  return out;
}

// The project's mappings without their `columns` (one line each): columns are then OCSF's attributes alone.
std::vector<MappingText> plain_texts() {
  std::vector<MappingText> texts;
  for (const auto& entry : fs::directory_iterator(testing::project_root() / "content/mappings/ocsf")) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".test.yml")) continue;
    std::string text = testing::read_file(entry.path());
    if (const std::size_t at = text.find("\ncolumns: "); at != std::string::npos)
      text.erase(at, text.find('\n', at + 1) - at);
    texts.push_back({name, std::move(text)});
  }
  return texts;
}

class Agreement {
 public:
  Agreement() : mapper_(plain_texts()), batch_(names_), maker_(mapper_, names_) {}

  void read(const fs::path& path) {
    std::string text = read_beginning(path);
    const std::size_t size = text.size();
    text.resize(size + decode::kPaddingBytes);
    const std::string_view bytes = std::string_view(text).substr(0, size);
    const model::Format format = decode::sniff(bytes.substr(0, 65'536));
    if (format == model::Format::kUnknown) return;
    const auto decoder = decode::make_decoder_for(format, bytes.substr(0, 65'536), {});
    std::size_t count = 0;
    for (std::string_view left = bytes; !left.empty() && count < kMaxEventsPerFile;) {
      const std::string_view window = left.substr(0, kWindowBytes);
      std::size_t cut = decoder->cut(window, window.size() == left.size());
      if (cut == 0) cut = left.size();
      batch_.clear();
      decoder->decode(left.substr(0, cut), batch_);
      left.remove_prefix(cut);
      if (left.empty()) decoder->finish(batch_);
      check_batch(path, count);
    }
    counts_[std::string(model::to_string(format))] += count;
  }

  [[nodiscard]] const std::map<std::string, std::size_t>& counts() const { return counts_; }
  [[nodiscard]] const RowStats& stats() const { return maker_.stats(); }

 private:
  void check_batch(const fs::path& path, std::size_t& count) {
    for (std::size_t i = 0; i < batch_.size() && count < kMaxEventsPerFile && wrong_ < 20; ++i, ++count) {
      const model::Event event = batch_.event(i);
      arena_.reset();
      maker_.make(event, {}, arena_, row_);
      const std::string json = ocsf_json(mapper_, event);
      std::vector<std::string> problems = check_row(row_, event);
      std::ranges::move(compare_with_ocsf(row_, json), std::back_inserter(problems));
      if (row_.host != mapper_.host(event))
        problems.push_back("host: row " + std::string(row_.host) + ", finding " + mapper_.host(event));
      for (const std::string& problem : problems) {
        ADD_FAILURE() << path.filename() << " event " << i << ": " << problem << "\n" << json.substr(0, 3'000);
        ++wrong_;
      }
      if (event.slot->format != model::Format::kEvtx) {
        EXPECT_EQ(row_.raw, event.slot->raw);
      }
    }
  }

  Mapper mapper_;
  model::NameTable names_;
  model::Batch batch_;
  RowMaker maker_;
  core::Arena arena_;
  model::EventRow row_;
  std::map<std::string, std::size_t> counts_;
  std::size_t wrong_ = 0;
};

void read_all(const fs::path& folder, Agreement& agreement) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path extension = entry.path().extension();
    if (entry.is_regular_file() && extension != ".md" && extension != ".zip") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) agreement.read(file);
}

TEST(RowAgreement, ColumnsOfTheProjectsSamplesAreTheAttributesOfOcsf) {
  Agreement agreement;
  read_all(testing::project_root() / "content/samples", agreement);
  for (const char* format : {"windows-xml", "json", "syslog", "auditd", "zeek", "access-log"})
    EXPECT_GT(agreement.counts().at(format), 0U) << format;
}

TEST(RowAgreement, ColumnsOfTheSharedDataAreTheAttributesOfOcsf) {
  if (testing::shared_data().empty()) GTEST_SKIP() << "no shared data beside the project: see docs";
  Agreement agreement;
  for (const char* folder : {"evtx", "ndjson", "logs"}) {
    if (fs::exists(testing::shared_data() / folder)) read_all(testing::shared_data() / folder, agreement);
  }
  for (const char* format : {"evtx", "json"}) EXPECT_GT(agreement.counts().at(format), 0U) << format;
  // Kinds are few: rows are searched once for each.
  EXPECT_LT(agreement.stats().slow_lookup_count * 10, agreement.stats().row_count);
}

}  // namespace
}  // namespace tocsin::normalise
