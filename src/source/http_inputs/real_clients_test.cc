// The clients that people have, from npm (test/clients): each sends to the input it is made for.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "source/http_inputs/http_test_support.h"
#include "testing/paths.h"

namespace tocsin::source {
namespace {

class RealClientTest : public testing::HttpInputTest {
 protected:
  void SetUp() override {
    if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "node is not installed";
    folder_ = tocsin::testing::project_root() / "test" / "clients";
    if (!std::filesystem::exists(folder_ / "node_modules")) {
      GTEST_SKIP() << "the clients are not installed: tools/install_clients.sh";
    }
  }
  // What it said; it ends with "done" where all went well.
  std::string run(const std::string& script_and_more) {
    const std::size_t space = std::min(script_and_more.find(' '), script_and_more.size());
    const std::string command = "cd '" + folder_.string() + "' && timeout 60 node " + script_and_more.substr(0, space) +
                                " " + std::to_string(server_->port()) + " secret" + script_and_more.substr(space) + " 2>&1";
    std::string out;
    FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> piece{};
    while (const std::size_t got = fread(piece.data(), 1, piece.size(), pipe)) out.append(piece.data(), got);
    pclose(pipe);
    return out;
  }
  std::size_t lines() const {
    const std::string all = world_.intake.bytes();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n'));
  }
  bool has(std::string_view text) const { return world_.intake.bytes().find(text) != std::string::npos; }

 private:
  std::filesystem::path folder_;
};

TEST_F(RealClientTest, TheElasticsearchClientSends) {
  start(elastic_routes);
  EXPECT_EQ(run("elastic.js"), "done\n");
  EXPECT_EQ(lines(), 503u);
  EXPECT_TRUE(has("{\"message\":\"first\",\"n\":1}\n"));
  EXPECT_TRUE(has("{\"message\":\"helper 499\"}\n"));
  EXPECT_TRUE(has("{\"message\":\"alone\"}\n"));
}
TEST_F(RealClientTest, SplunksLoggerSends) {
  start(splunk_hec_routes);
  EXPECT_EQ(run("splunk.js"), "done\n");
  EXPECT_EQ(lines(), 101u) << world_.intake.bytes();
  EXPECT_TRUE(has(R"({"sourcetype":"app","time":)"));
  EXPECT_TRUE(has(R"("host":"web01","source":"shop","index":"main","event":{"message":{"user":"ann","action":"login"})"))
      << world_.intake.bytes();
  EXPECT_TRUE(has("batched 99"));
}
void expect_otlp(const std::string& bytes) {
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), '\n'), 200);
  const std::string first = bytes.substr(0, bytes.find('\n'));
  EXPECT_TRUE(first.starts_with("{\"@timestamp\":\"2026-01-02T03:04:05Z\",\"observed_timestamp\":")) << first;
  EXPECT_NE(first.find(R"("severity_number":17,"severity_text":"ERROR","_source":{"user":{"name":"ann"},"tries":[1,2]},)"),
            std::string::npos)
      << first;
  EXPECT_NE(first.find(R"("attributes":{"source.ip":"192.0.2.1","n":0,"ratio":0.5,"ok":true})"), std::string::npos) << first;
  EXPECT_NE(first.find(R"("resource":{"attributes":{"service.name":"shop"}})"), std::string::npos) << first;
  EXPECT_NE(first.find(R"("scope":{"name":"lib","version":"1.2"})"), std::string::npos) << first;
  EXPECT_NE(bytes.find(R"("message":"failed 199")"), std::string::npos);
}
TEST_F(RealClientTest, OpenTelemetrysProtobufExporterSends) {
  start(otlp_routes);
  EXPECT_EQ(run("otlp.js proto"), "done\n");
  expect_otlp(world_.intake.bytes());
}
TEST_F(RealClientTest, OpenTelemetrysJsonExporterSends) {
  start(otlp_routes);
  EXPECT_EQ(run("otlp.js http"), "done\n");
  expect_otlp(world_.intake.bytes());
}

}  // namespace
}  // namespace tocsin::source
