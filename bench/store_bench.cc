// How fast the store takes events and how much disk they need.
//
//   store_bench [EVENTS]              default 500,000, in blocks of 10,000: about 700 bytes of JSON with varied values
//   (users,
//                                     hosts, addresses, process ids, times, hashes, command lines)
//   store_bench --lane FILE [EVENTS]  the rows that `tocsin serve` makes of bench/serve_load's events, in blocks of 20,000;
//                                     run from the project's root (content/mappings). Only inserts are timed; prints JSON
//   store_bench --lane FILE [EVENTS] --block N --findings FILE --findings-share X --findings-block N
//                                     and findings beside them, on a thread of their own as in the server: X an event, rows
//                                     of FILE (a JSON array of texts each line: rule_id, rule_title, level, host, user,
//                                     site, source, reason, finding) over and over, with ids of their own
#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "decode/decoder.h"
#include "lane_events.h"
#include "normalise/rows.h"
#include "store/store.h"

namespace {

using tocsin::store::Block;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kRowsPerBlock = 10'000;
constexpr std::int64_t kStartNs = 1'795'521'600'000'000'000;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// The texts of one event; the row's views point here.
struct Made {
  std::string host, user, image, parent, command, hashes, src, dst, raw;
  tocsin::model::EventRow row;
};

void make(std::mt19937_64& random, std::uint64_t number, Made& made) {
  static constexpr std::string_view kImages[] = {"svchost.exe", "cmd.exe",     "powershell.exe",
                                                 "chrome.exe",  "msiexec.exe", "rundll32.exe"};
  static constexpr std::string_view kWords[] = {"-k netsvcs",      "/c dir", "-NoProfile -File C:\\Scripts\\report.ps1",
                                                "--type=renderer", "/qn /i", "shell32.dll,Control_RunDLL"};
  made.host = "ws-" + std::to_string(random() % 400) + ".corp.example";
  made.user = "CORP\\user" + std::to_string(random() % 2'000);
  const std::size_t image = random() % 6, parent = random() % 6;
  made.image = "C:\\Windows\\System32\\" + std::string(kImages[image]);
  made.parent = "C:\\Windows\\" + std::string(kImages[parent]);
  made.command = made.image + " " + std::string(kWords[image]) + " -id " + std::to_string(random() % 100'000);
  char hash[80];
  const std::uint64_t binary = random() % 3'000 * 0x9E37'79B9'7F4A'7C15u;  // A fleet runs some thousand binaries.
  std::snprintf(hash, sizeof hash, "MD5=%016lX%016lX", static_cast<unsigned long>(binary),
                static_cast<unsigned long>(binary * 31));
  made.hashes = hash;
  char guid[48];
  std::snprintf(guid, sizeof guid, "{%016lX-%016lX}", static_cast<unsigned long>(random()),
                static_cast<unsigned long>(random()));
  made.src =
      "10." + std::to_string(random() % 8) + "." + std::to_string(random() % 256) + "." + std::to_string(random() % 256);
  made.dst = "203.0." + std::to_string(random() % 256) + "." + std::to_string(random() % 256);
  auto& row = made.row;
  row.id = tocsin::model::make_event_id(number / 100 + 1, number % 100);
  row.time = {kStartNs + static_cast<std::int64_t>(number * 100'000 + random() % 100'000)};
  row.received_at = {row.time.ns + 20'000'000};
  row.process_pid = static_cast<std::uint32_t>(random() % 30'000);
  made.raw =
      R"({"EventID":1,"ProcessGuid":")" + std::string(guid) +
      R"(","Channel":"Microsoft-Windows-Sysmon/Operational","Computer":")" + made.host + R"(","UtcTime":")" +
      tocsin::core::format_iso_time(row.time) + R"(","ProcessId":)" + std::to_string(row.process_pid) + R"(,"Image":")" +
      made.image + R"(","CommandLine":")" + made.command + R"(","User":")" + made.user + R"(","ParentImage":")" +
      made.parent + R"(","Hashes":")" + made.hashes + R"(","SourceIp":")" + made.src + R"(","DestinationIp":")" + made.dst +
      R"(","IntegrityLevel":"Medium","LogonId":"0x)" + std::to_string(random() % 1'000'000) +
      R"(","Company":"Example Corporation","Description":"Host Process for Services","FileVersion":"10.0.19041.1","Product":"Example Operating System"})";
  row.tenant = "default";
  row.source = "windows";
  row.format = "json";
  row.product = "windows";
  row.service = "Microsoft-Windows-Sysmon/Operational";
  row.class_uid = 1007;
  row.activity_id = 1;
  row.severity_id = 1;
  row.event_code = "1";
  row.host = made.host;
  row.user = made.user;
  row.process_name = made.image;
  row.process_cmd_line = made.command;
  row.parent_name = made.parent;
  row.hashes = made.hashes;
  row.src_ip = made.src;
  row.dst_ip = made.dst;
  row.attributes = {{"IntegrityLevel", "Medium"}, {"Company", "Example Corporation"}};
  row.raw = made.raw;
}

// A store in a folder that goes with it.
class TemporaryStore {
 public:
  TemporaryStore() {
    if (::mkdtemp(folder_.data()) == nullptr) std::exit(1);
    tocsin::store::StoreOptions options;
    options.folder = folder_;
    auto opened = tocsin::store::Store::open(options, metrics_);
    if (!opened.ok()) {
      std::fprintf(stderr, "store_bench: %s\n", opened.error().text.c_str());
      std::exit(77);
    }
    store_ = std::move(*opened);
  }
  ~TemporaryStore() {
    close();
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  void close() { store_.reset(); }
  tocsin::store::Store* operator->() { return store_.get(); }

 private:
  std::string folder_ = (std::filesystem::temp_directory_path() / "store-bench-XXXXXX").string();
  tocsin::core::Metrics metrics_;
  std::unique_ptr<tocsin::store::Store> store_;
};

tocsin::normalise::Mapper read_mapper() {
  namespace fs = std::filesystem;
  std::vector<tocsin::normalise::MappingText> texts;
  const auto read = [&](const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    texts.push_back({path.string(), {std::istreambuf_iterator<char>(in), {}}});
  };
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("content/mappings/ocsf", error)) {
    if (!entry.path().string().ends_with(".test.yml")) read(entry.path());
  }
  read("content/mappings/columns.yml");
  return tocsin::normalise::Mapper(texts);
}

// Makes blocks of stored rows of generated events, as the server does.
class LaneBlocks {
 public:
  explicit LaneBlocks(const std::string& path)
      : events_(path, {}, 1),
        mapper_(read_mapper()),
        batch_(names_),
        rows_(mapper_, names_),
        decoder_(tocsin::decode::make_decoder_for(tocsin::model::Format::kJson, "{}\n", {})) {}

  void fill(std::uint64_t count, Block& block) {
    auto text = std::make_shared<std::string>();
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    for (std::uint64_t i = 0; i < count; ++i) events_.append(now, *text);
    const std::size_t size = text->size();
    text->append(tocsin::decode::kPaddingBytes, '\0');
    block.clear();
    batch_.clear();
    arena_.reset();
    batch_.set_owner(text);
    decoder_->decode(std::string_view(*text).substr(0, size), batch_);
    ++sequence_;
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      rows_.make(batch_.event(i), {tocsin::model::make_event_id(sequence_, i), {now}, "default", "main", "bench"}, arena_,
                 row_);
      block.add(row_);
    }
  }

 private:
  tocsin::bench::LaneEvents events_;
  const tocsin::normalise::Mapper mapper_;
  tocsin::model::NameTable names_;
  tocsin::model::Batch batch_;
  tocsin::normalise::RowMaker rows_;
  std::unique_ptr<tocsin::decode::Decoder> decoder_;
  tocsin::core::Arena arena_;
  tocsin::model::EventRow row_;
  std::uint64_t sequence_ = 0;
};

struct LaneOptions {
  std::string lane, findings;
  std::uint64_t events = 500'000, block = 20'000, findings_block = 2'000;
  double findings_share = 0;
};

// Findings that a server made, given out again with new ids and numbers.
class FindingBlocks {
 public:
  explicit FindingBlocks(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    simdjson::dom::parser parser;
    for (std::string line; std::getline(in, line);) {
      std::vector<std::string> texts;
      for (const auto value : parser.parse(line).get_array()) texts.emplace_back(value.get_string().value());
      if (texts.size() == 9) made_.push_back(std::move(texts));
    }
    if (made_.empty()) {
      std::fprintf(stderr, "store_bench: no findings in %s\n", path.c_str());
      std::exit(1);
    }
  }
  void fill(std::uint64_t count, std::int64_t now, Block& block) {
    block.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::vector<std::string>& texts = made_[number_++ % made_.size()];
      char id[40];
      std::snprintf(id, sizeof id, "%016lx%016lx", static_cast<unsigned long>(random_()),
                    static_cast<unsigned long>(random_()));
      tocsin::store::FindingRow row;
      row.id = id;
      row.sequence = number_ / 100 + 1;
      row.event_ids = {tocsin::model::make_event_id(row.sequence, number_ % 100)};
      row.event_time = row.received_at = {now};
      row.detected_at = {now + static_cast<std::int64_t>(random_() % 10'000'000)};
      row.tenant = "default";
      row.rule_id = texts[0];
      row.rule_title = texts[1];
      row.level = texts[2];
      row.host = texts[3];
      row.user = texts[4];
      row.site = texts[5];
      row.source = texts[6];
      row.reason = texts[7];
      row.finding = texts[8];
      block.add(row);
    }
  }

 private:
  std::vector<std::vector<std::string>> made_;
  std::mt19937_64 random_{1};
  std::uint64_t number_ = 0;
};

void insert_all(TemporaryStore& store, const std::vector<Block>& blocks) {
  for (const Block& block : blocks) {
    if (block.bytes() == 0) continue;
    if (const auto done = store->insert(block, std::chrono::seconds(60)); !done.ok()) {
      std::fprintf(stderr, "store_bench: %s\n", done.error().text.c_str());
      std::exit(1);
    }
  }
}

int run_lane(const LaneOptions& options) {
  constexpr std::size_t kBlocksAtOnce = 8;  // Made before they are inserted, so that making them is not timed.
  TemporaryStore store;
  LaneBlocks lane(options.lane);
  std::unique_ptr<FindingBlocks> finding_maker;
  if (options.findings_share > 0) finding_maker = std::make_unique<FindingBlocks>(options.findings);
  std::vector<Block> events(kBlocksAtOnce), findings;
  double inserting = 0, owed = 0;
  std::uint64_t count = 0, finding_count = 0;
  while (count < options.events) {
    std::uint64_t round = 0;
    for (Block& block : events) {
      lane.fill(options.block, block);
      round += block.event_count();
    }
    count += round;
    owed += static_cast<double>(round) * options.findings_share;
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    findings.clear();
    for (; owed >= static_cast<double>(options.findings_block); owed -= static_cast<double>(options.findings_block)) {
      finding_maker->fill(options.findings_block, now, findings.emplace_back());
      finding_count += options.findings_block;
    }
    const auto begin = Clock::now();
    std::thread beside([&] { insert_all(store, findings); });
    insert_all(store, events);
    beside.join();
    inserting += seconds_since(begin);
  }
  std::printf("{\"events\":%lu,\"findings\":%lu,\"rows_per_s\":%.0f}\n", static_cast<unsigned long>(count),
              static_cast<unsigned long>(finding_count), static_cast<double>(count) / inserting);
  return 0;
}

LaneOptions lane_options(int argc, char** argv) {
  LaneOptions out;
  int at = 2;
  out.lane = argv[at++];
  if (at < argc && argv[at][0] != '-') out.events = std::strtoull(argv[at++], nullptr, 10);
  for (; at + 1 < argc; at += 2) {
    const std::string_view name = argv[at];
    if (name == "--block") out.block = std::max(std::strtoull(argv[at + 1], nullptr, 10), 1ull);
    if (name == "--findings") out.findings = argv[at + 1];
    if (name == "--findings-share") out.findings_share = std::strtod(argv[at + 1], nullptr);
    if (name == "--findings-block") out.findings_block = std::max(std::strtoull(argv[at + 1], nullptr, 10), 1ull);
  }
  return out;
}

int run(std::uint64_t events) {
  const auto opening = Clock::now();
  TemporaryStore store;
  std::printf("open %.2f s\n", seconds_since(opening));
  std::mt19937_64 random(1);
  Block block;
  Made made;
  double encoding = 0, inserting = 0;
  std::uint64_t raw_bytes = 0;
  for (std::uint64_t number = 0; number < events;) {
    block.clear();
    for (std::uint64_t i = 0; i < kRowsPerBlock; ++i, ++number) {
      make(random, number, made);
      raw_bytes += made.raw.size();
      const auto begin = Clock::now();
      block.add(made.row);
      encoding += seconds_since(begin);
    }
    const auto begin = Clock::now();
    const auto done = store->insert(block, std::chrono::seconds(60));
    inserting += seconds_since(begin);
    if (!done.ok()) {
      std::fprintf(stderr, "store_bench: %s\n", done.error().text.c_str());
      return 1;
    }
  }
  const auto count = static_cast<double>(events);
  const auto ask = [&](const char* sql) {
    auto result = store->query(sql, "TabSeparated", {});
    return result.ok() ? result->body : "error: " + result.error().text + "\n";
  };
  std::printf("events %lu, raw %.0f B each\n", static_cast<unsigned long>(events), static_cast<double>(raw_bytes) / count);
  std::printf("rows/s %.0f (block %.2f us, insert %.2f us a row)\n", count / (encoding + inserting), encoding / count * 1e6,
              inserting / count * 1e6);
  std::printf(
      "disk B a row: %s",
      ask("SELECT round(sum(bytes_on_disk) / sum(rows), 1), count() FROM system.parts WHERE active AND table = 'events'"
          " AND database = 'tocsin'")
          .c_str());
  std::printf(
      "columns: %s",
      ask("SELECT arrayStringConcat(groupArray(concat(name, ' ', toString(b))), ', ') FROM (SELECT name,"
          " round(data_compressed_bytes / (SELECT count() FROM events), 1) AS b FROM system.columns WHERE table = 'events'"
          " AND database = 'tocsin' ORDER BY b DESC LIMIT 12)")
          .c_str());
  std::printf(
      "indexes: %s",
      ask("SELECT arrayStringConcat(groupArray(concat(name, ' ', toString(round(data_compressed_bytes / (SELECT count()"
          " FROM events), 1)))), ', ') FROM system.data_skipping_indices WHERE database = 'tocsin' AND table = 'events'")
          .c_str());
  for (const char* sql :
       {"SELECT count() FROM events WHERE lower(process_cmd_line) LIKE '%-id 4242%'",
        "SELECT count() FROM events WHERE raw LIKE '%-id 4242%'",
        "SELECT host, count() FROM events GROUP BY host ORDER BY 2 DESC LIMIT 10",
        "SELECT count() FROM events WHERE dst_ip = '203.0.7.7'", "SELECT * FROM events WHERE id = 33554435"}) {
    const auto begin = Clock::now();
    const auto result = store->query(sql, "TabSeparated", {});
    std::printf("%6.0f ms, %8lu rows read: %s\n", seconds_since(begin) * 1e3,
                static_cast<unsigned long>(result.ok() ? result->rows_read : 0),
                result.ok() ? sql : result.error().text.c_str());
  }
  const auto closing = Clock::now();
  store.close();
  std::printf("close %.2f s\n", seconds_since(closing));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv);
  if (argc > 2 && std::string_view(argv[1]) == "--lane") return run_lane(lane_options(argc, argv));
  return run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 500'000);
}
