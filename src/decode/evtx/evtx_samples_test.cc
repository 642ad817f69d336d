// The EVTX decoder on real logs (shared test data): record counts of damaged files, attack samples without a bad record,
// and every regression sample field by field against its JSON twin.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "model/event.h"
#include "testing/paths.h"

namespace tocsin::decode {
namespace {

namespace fs = std::filesystem;
using simdjson::dom::element;
using Values = std::map<std::string, std::vector<std::string>>;

// The batch views `bytes`: both live here.
struct Log {
  model::NameTable names;
  model::Batch batch{names};
  std::string bytes;

  explicit Log(const fs::path& path, const DecodeOptions& options = {}) : bytes(testing::read_file(path)) {
    const std::size_t size = bytes.size();
    bytes.append(kPaddingBytes, '\0');
    make_evtx_decoder(options)->decode(std::string_view(bytes).substr(0, size), batch);
  }
  [[nodiscard]] std::size_t bad_of(std::string_view prefix) const {
    return static_cast<std::size_t>(std::count_if(batch.bad().begin(), batch.bad().end(),
                                                  [&](const auto& bad) { return bad.cause.starts_with(prefix); }));
  }
};

std::vector<fs::path> logs_under(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".evtx") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

class EvtxSamples : public ::testing::Test {
 protected:
  void SetUp() override {
    if (data_.empty()) GTEST_SKIP() << "no shared test data (../shared/data): the real logs are not checked";
  }
  fs::path data_ = testing::shared_data();
};

struct OddLog {
  const char* name;
  std::size_t records, bad_records, bad_chunks;
};

// sample-with-zero-data-size-event: readers that stop a chunk at its first bad record get 335; 114 more follow it there.
constexpr OddLog kOddLogs[] = {
    {"2-system-Microsoft-Windows-LiveId%4Operational.evtx", 399, 0, 0},
    {"2-vss_7-System.evtx", 1160, 0, 0},
    {"Application_no_crc32.evtx", 17, 0, 0},
    {"E_Windows_system32_winevt_logs_Microsoft-Windows-Shell-Core%4Operational.evtx", 1146, 0, 0},
    {"Microsoft-Windows-HelloForBusiness%4Operational.evtx", 6, 0, 1},
    {"Security_short_selected.evtx", 7, 0, 0},
    {"Security_with_size_t.evtx", 636, 0, 0},
    {"issue_201.evtx", 1, 0, 0},
    {"sample-with-zero-data-size-event.evtx", 335 + 114, 1, 1},
    {"security.evtx", 2261, 0, 0},
    {"sysmon.evtx", 358, 0, 8},
    {"system.evtx", 1881, 0, 0},
};

TEST_F(EvtxSamples, DamagedAndOddLogsGiveTheirKnownCounts) {
  for (const OddLog& odd : kOddLogs) {
    const fs::path path = data_ / "evtx" / "damaged-and-odd" / odd.name;
    if (!fs::exists(path)) continue;
    const Log log(path);
    EXPECT_EQ(log.batch.size(), odd.records) << odd.name;
    EXPECT_EQ(log.bad_of("evtx-chunk"), odd.bad_chunks) << odd.name;
    EXPECT_EQ(log.batch.bad_count() - log.bad_of("evtx-chunk"), odd.bad_records) << odd.name;
  }
}

TEST_F(EvtxSamples, AttackSamplesDecodeWithoutABadRecord) {
  std::size_t event_count = 0;
  const auto paths = logs_under(data_ / "evtx" / "attack-samples");
  for (const fs::path& path : paths) {
    const Log log(path);
    EXPECT_EQ(log.batch.bad_count(), 0U) << path;
    EXPECT_GT(log.batch.size(), 0U) << path;
    for (std::size_t i = 0; i < log.batch.size(); ++i) {
      EXPECT_NE(log.batch.event(i).find("EventID"), nullptr) << path << " record " << i + 1;
      EXPECT_TRUE(log.batch.event(i).slot->time.known());
    }
    event_count += log.batch.size();
  }
  if (paths.size() == 300) {
    EXPECT_EQ(event_count, 14'766U);
  }
}

TEST_F(EvtxSamples, DeletedRecordsAppearOnlyWhenAskedFor) {
  std::size_t recovered = 0;
  for (const fs::path& path : logs_under(data_ / "sigma" / "regression_data")) {
    const Log plain(path);
    DecodeOptions recovering;
    recovering.recover_deleted = true;
    const Log all(path, recovering);
    ASSERT_GE(all.batch.size(), plain.batch.size());
    recovered += all.batch.size() - plain.batch.size();
    EXPECT_EQ(all.batch.bad_count(), 0U) << path;
  }
  EXPECT_GT(recovered, 0U);
}

// --- The twins. Names as the decoder gives them, from the exporter's nesting ("#attributes", "#text").

std::string plain(std::string_view name) {
  std::string out;
  std::copy_if(name.begin(), name.end(), std::back_inserter(out), [](char c) { return c != ' '; });
  return out;
}

// A value as far as the twins keep it: without trailing spaces, times cut to microseconds; in lower case, as Sigma compares
// (one twin spells a path in another case than its log).
std::string comparable(std::string text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const bool is_time = text.size() > 27 && text[10] == 't' && text[19] == '.' && text.back() == 'z';
  return is_time ? text.substr(0, 26) + 'z' : text;
}

void put(Values& out, const std::string& name, element value) {
  if (value.is_array()) {
    for (const element one : value.get_array()) put(out, name, one);
  } else if (value.is_string()) {
    out[name].push_back(comparable(std::string(std::string_view(value))));
  } else if (!value.is_null()) {
    out[name].push_back(simdjson::minify(value));
  } else {
    out[name].push_back("");
  }
}

std::string system_name(std::string_view name, std::string_view attribute) {
  if (name == "Provider" && attribute == "Name") return "Provider_Name";
  if (name == "Provider" && attribute == "Guid") return "Provider_Guid";
  if (name == "TimeCreated") return "TimeCreated";
  return std::string(attribute);
}

void put_system(Values& out, element system) {
  for (const auto [name, value] : system.get_object()) {
    if (value.is_null()) continue;
    if (!value.is_object()) {
      put(out, std::string(name), value);
      continue;
    }
    for (const auto [attribute, text] : value["#attributes"].get_object()) put(out, system_name(name, attribute), text);
    element text;
    if (value["#text"].get(text) == simdjson::SUCCESS) put(out, std::string(name), text);
  }
}

void put_data(Values& out, std::string_view section_name, element section) {
  if (!section.is_object()) return;
  for (const auto [name, value] : section.get_object()) {
    element text;
    if (name == "#attributes") {
      for (const auto [attribute, of] : value.get_object()) {
        if (!attribute.starts_with("xmlns")) put(out, std::string(section_name) + "." + std::string(attribute), of);
      }
    } else if (!value.is_object()) {
      put(out, plain(name), value);
    } else if (value["#text"].get(text) == simdjson::SUCCESS) {
      put(out, plain(name), text);
    }
  }
}

Values twin_values(element document) {
  Values out;
  const element event = document["Event"];
  put_system(out, event["System"]);
  element section;
  if (event["EventData"].get(section) == simdjson::SUCCESS) put_data(out, "EventData", section);
  if (event["UserData"].get(section) == simdjson::SUCCESS) {
    for (const auto [root, inner] : section.get_object()) put_data(out, root, inner);
  }
  return out;
}

Values decoded_values(const model::Event& event) {
  Values out;
  for (const model::Field& field : event.fields())
    out[std::string(event.name(field))].push_back(comparable(std::string(field.text)));
  return out;
}

TEST_F(EvtxSamples, RegressionSamplesEqualTheirJsonTwinsFieldByField) {
  std::size_t twin_count = 0;
  for (const fs::path& path : logs_under(data_ / "sigma" / "regression_data")) {
    const fs::path json = fs::path(path).replace_extension(".json");
    if (!fs::exists(json)) continue;
    ++twin_count;
    const Log log(path);
    const simdjson::padded_string text(testing::read_file(json));
    simdjson::dom::parser parser;
    simdjson::dom::document_stream stream;
    ASSERT_EQ(parser.parse_many(text).get(stream), simdjson::SUCCESS) << json;
    std::size_t record = 0;
    for (auto document : stream) {
      ASSERT_LT(record, log.batch.size()) << path;
      EXPECT_EQ(decoded_values(log.batch.event(record)), twin_values(document.value())) << path << " record " << record + 1;
      ++record;
    }
    EXPECT_EQ(record, log.batch.size()) << path;
    EXPECT_EQ(log.batch.bad_count(), 0U) << path;
  }
  EXPECT_GT(twin_count, 0U);
}

}  // namespace
}  // namespace tocsin::decode
