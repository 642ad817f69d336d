#include <sstream>
#include <string>
#include <vector>

#include "store/search_language.h"
#include "store/store_test_support.h"
#include "testing/patience.h"

namespace tocsin::store {
namespace {

using Ids = std::vector<unsigned>;

std::vector<model::EventRow> hostile_rows() {
  std::vector<model::EventRow> rows(22);
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i] = sample_event(i + 1);
    rows[i].host = "other";
    rows[i].process_cmd_line = "";
  }
  rows[0].user = "o'brien";
  rows[1].user = "say \"hi\"";
  rows[2].user = "CORP\\Admin";
  rows[3].user = "100%";
  rows[4].user = "1000";
  rows[5].user = "a_b";
  rows[6].user = "aXb";
  rows[7].user = "two\nlines";
  rows[8].user = "' OR 1=1 --";
  rows[9].user = "a*b";
  rows[10].process_cmd_line = "C:\\Tools\\MimiKatz.exe \"x\" 50%_off";
  rows[11].process_cmd_line = "mimi katz\\n";
  rows[12].hashes = "MD5=D41D8CD98F00B204,SHA1=AA11";
  rows[13].hashes = "MD5=D41D8CD98F00B2040,SHA1=BB22";
  rows[14].src_ip = "10.1.2.3";
  rows[14].src_port = 1024;
  rows[14].dst_port = 22;
  rows[15].src_ip = "11.0.0.1";
  rows[15].src_port = 1025;
  rows[16].src_ip = "2001:db8::7";
  rows[16].dst_ip = "10.255.255.255";
  rows[17].src_ip = "not an address";
  rows[17].dst_ip = "10.0.0.0/8";
  rows[17].dst_port = 65535;
  rows[18].attributes = {{"Odd'Name", "it's\\"}, {"Size", "700"}};
  rows[19].attributes = {{"Size", "many"}, {"size", "5"}, {"Empty", ""}};
  rows[20].attributes = {{"Peer", "2001:DB8::9"}, {"Size", "-1"}};
  rows[20].host =
      "WEB\xff"
      "01";
  rows[21].message = "M\xc3\xbcller; DROP TABLE events";
  rows[21].raw = "{\"k\":\"back\\\\slash\"}";
  return rows;
}

class SearchOnEngine : public ::testing::Test, protected TestStore {
 protected:
  void SetUp() override {
    TOCSIN_NEEDS_ENGINE();
    open();
    Block block;
    for (const auto& row : hostile_rows()) block.add(row);
    const auto done = store->insert(block, tocsin::testing::kPatience);
    ASSERT_TRUE(done.ok()) << done.error().text;
  }
  // Places in hostile_rows().
  Ids find(std::string_view text, const std::vector<NativeName>& natives = {}) {
    const auto condition = search_condition(text, event_search_fields(natives));
    if (!condition) {
      ADD_FAILURE() << text << ": at " << condition.error().position << " " << condition.error().expected;
      return {};
    }
    const std::string answer = ask("SELECT toString(id) FROM events WHERE " + *condition + " ORDER BY id");
    if (answer.starts_with("error")) ADD_FAILURE() << text << ": " << answer << "\n" << *condition;
    Ids out;
    std::istringstream lines(answer);
    for (std::string line; std::getline(lines, line);) {
      for (unsigned i = 0; i < 22; ++i) {
        if (line == std::to_string(model::make_event_id(i + 1, 0))) out.push_back(i);
      }
    }
    return out;
  }
};

TEST_F(SearchOnEngine, FindsExactlyTheRowsMeant) {
  const std::vector<std::pair<std::string, Ids>> cases = {
      {"user:o'brien", {0}},
      {"user:O'BRIEN", {0}},
      {R"(user:"say \"hi\"")", {1}},
      {R"(user:corp\admin)", {2}},
      {R"(user:corp\*)", {2}},
      {R"(user:"corp\\admin")", {2}},
      {"user:100%", {3}},
      {"user:100*", {3, 4}},
      {"user:a_*", {5}},
      {"user:a_b", {5}},
      {"user:a?b", {5, 6, 9}},
      {"user:\"a*b\"", {9}},
      {"user:\"two\nlines\"", {7}},
      {"user:two*lines", {7}},
      {"user:\"' OR 1=1 --\"", {8}},
      {"user:*", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
      {R"(user:~"^a.b$")", {5, 6, 9}},
      {R"(user:~"^CORP\\adm")", {2}},
      {R"(user:~"^\d+%?$")", {3, 4}},
      {R"(user:~"\"HI\"|brien$")", {0, 1}},
      {"command:*mimikatz*", {10}},
      {"process_cmd_line:c:\\*", {10}},
      {"process_cmd_line:*50%_OFF", {10}},
      {R"(process_cmd_line:*\n)", {11}},
      {"mimikatz", {10}},
      {"\"%_\"", {10}},
      {"hash:d41d8cd98f00b204", {12}},
      {"hash:d41d8cd98f00b204*", {12, 13}},
      {"hashes:SHA1=bb22", {13}},
      {"src_ip:10.1.2.3", {14}},
      {"ip:10.0.0.0/8", {14, 16}},
      {"src_ip:10.0.0.0/8", {14}},
      {"src_ip:0.0.0.0/0", {14, 15}},
      {"src_ip:::/0", {16}},
      {"src_ip:2001:db8::/32", {16}},
      {"src_ip:2001:DB8:0::7", {16}},
      {"dst_ip:\"10.0.0.0/8\"", {17}},
      {"src_ip:1?.*", {14, 15}},
      {"port:[1 TO 1024]", {14}},
      {"src_port:[1025 TO *]", {15}},
      {"port:>=1025", {15, 17}},
      {"port:22", {14}},
      {"Odd'Name:*", {18}},
      {R"(Odd'Name:it's\)", {18}},
      {"Size:*", {18, 19, 20}},
      {"Size:[1 TO 1000]", {18}},
      {"Size:<0", {20}},
      {"Size:~\"^M\"", {19}},
      {"size:5", {19}},
      {"Empty:\"\"", {19}},
      {"\"Peer\":2001:db8::/32", {20}},
      {"host:web*01", {}},  // A wildcard stands for characters; that row's host is no UTF-8.
      {"host:web*", {20}},
      {"M\xc3\xbcller", {21}},
      {R"(back\\slash)", {21}},
      {"\"DROP TABLE\" OR user:1000", {4, 21}},
      {"user:* NOT (user:a* OR user:~\"[0-9]\")", {0, 1, 2, 7}},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(find(text), expected) << text;
  EXPECT_EQ(find("").size(), 22u);
}

TEST_F(SearchOnEngine, FindsARecordsOwnFieldInItsColumnAndLeftOver) {
  const std::vector<NativeName> natives = {{"Size", "src_port"}, {"Peer", "src_ip"}, {"Peer", "host"}, {"Odd'Name", "user"}};
  const std::vector<std::pair<std::string, Ids>> cases = {
      {"Size:1024", {14}},
      {"Size:700", {18}},
      {"Size:many", {19}},
      {"Size:[700 TO 1024]", {14, 18}},
      {"Size:~\"^(1025|700)$\"", {15, 18}},
      {"Size:*", {14, 15, 18, 19, 20}},
      {"Size:10.0.0.0/8", {}},
      {"Peer:2001:db8::/32", {16, 20}},
      {"Peer:10.1.2.3", {14}},
      {"Peer:<0", {}},
      {"Odd'Name:it's\\", {18}},
      {"Odd'Name:100*", {3, 4}},
      {"Odd'Name:[1 TO 2000]", {4}},
      {"NOT Odd'Name:* user:\"\"", {10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21}},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(find(text, natives), expected) << text;
}

TEST_F(SearchOnEngine, UsesTheIndexes) {
  const auto plan = [&](std::string_view text) {
    return ask("EXPLAIN indexes = 1 SELECT id FROM events WHERE " + *search_condition(text, event_search_fields()));
  };
  for (const char* text : {"command:*mimikatz*", "hash:d41d8cd98f00b204", "src_ip:10.1.2.3"}) {
    EXPECT_NE(plan(text).find("Skip"), std::string::npos) << plan(text);
  }
}

}  // namespace
}  // namespace tocsin::store

// The program is its own child: `<test> store ...` is what `tocsin store ...` is.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "store") return tocsin::store::run_store_process(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
