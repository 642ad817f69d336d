#include "app/demo.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

#include "app/config.h"
#include "app/demo/ingest_client.h"
#include "app/demo/recording.h"
#include "app/own_server.h"

namespace tocsin::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxTries = 60;
constexpr std::int64_t kSecondNs = 1'000'000'000;

struct Arguments {
  std::string config;
  std::vector<std::string> overrides;
  unsigned seconds = 40;
  bool quiet = false;
};

core::Result<core::Secret> read_token(const Config& config) {
  const std::string path = config.folder + "/keys/demo.token";
  std::ifstream in(path, std::ios::binary);
  std::string token;
  if (in >> token) return core::Secret(std::move(token));
  if (errno == EACCES)
    return core::Error{core::ErrorCode::kDenied,
                       path + " cannot be read: play the demo as the user that the server runs as, or as root"};
  return core::Error{
      core::ErrorCode::kNotFound,
      "there is no " + path + ": no server was started in the data folder '" + config.folder +
          "'. Start it with `tocsin serve`, or name its folder as it does: -c tocsin.yaml, -s data.folder=.."};
}

// What an operator can do about it.
std::string advice(const core::Error& error) {
  if (error.code == core::ErrorCode::kNotFound)
    return ". The server does not run there: start it with `tocsin serve`; where it ends at once, it says why (without the "
           "store's engine it does not start: tools/install_engine.sh)";
  if (error.code == core::ErrorCode::kDenied)
    return ". Another server runs there, or this one was started in another data folder";
  return "";
}

std::string advice(const IngestClient::Answer& answer) {
  if (answer.status == 401 || answer.status == 403)
    return "the server does not take the token of this data folder: it was started in another one (-s data.folder=..)";
  return "the server answered " + std::to_string(answer.status) + ": " + answer.body;
}

class Player {
 public:
  Player(IngestClient& client, const Recording& recording) : client_(client), recording_(recording) {
    std::random_device random;
    play_ = "demo-" + std::to_string(random()) + std::to_string(random());
  }

  // Parts in their order, spread over the time; each is safe with the server before the next is sent.
  core::Result<void> play(const std::vector<RecordingPart>& parts, std::chrono::seconds time, bool show) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const double share = static_cast<double>(parts[i].entries_before) / static_cast<double>(recording_.entries.size());
      std::this_thread::sleep_until(begin + std::chrono::duration_cast<Clock::duration>(share * time));
      TOCSIN_TRY(send(parts[i], play_ + "-" + std::to_string(i)));
      if (show) std::cout << "\r" << static_cast<int>(share * 100) << " %" << std::flush;
    }
    if (show) std::cout << "\r     \r" << std::flush;
    return {};
  }

 private:
  core::Result<void> send(const RecordingPart& part, const std::string& key) {
    const std::string_view format = model::to_string(recording_.streams[part.stream].format);
    IngestClient::Answer answer;
    for (int tries = 0; tries < kMaxTries; ++tries) {
      auto result = client_.post(format, key, part.bytes);
      if (!result.ok()) return core::Error{result.error().code, result.error().text + advice(result.error())};
      answer = std::move(*result);
      if (answer.status == 200) return {};
      if (answer.status != 429 && answer.status != 503) break;
      std::this_thread::sleep_for(std::max(answer.retry_after, std::chrono::seconds(1)));
    }
    return core::Error{core::ErrorCode::kIo, advice(answer)};
  }

  IngestClient& client_;
  const Recording& recording_;
  std::string play_;
};

core::Result<void> play(const Config& config, const Arguments& arguments) {
  core::Secret token = TOCSIN_TRY(read_token(config));
  IngestTarget target = own_server(config, std::move(token));
  target.source = kDemoSource;
  const std::unique_ptr<IngestClient> client = TOCSIN_TRY(IngestClient::create(std::move(target)));
  const Recording recording = TOCSIN_TRY(read_recording(built_in_recording()));

  const core::Timestamp first = recording.entries.front().time, last = recording.entries.back().time;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto by =
      std::chrono::seconds(std::chrono::duration_cast<std::chrono::seconds>(now).count() - last.ns / kSecondNs - 1);
  const std::vector<RecordingPart> parts = cut_recording(recording, kDemoWindow, by);
  const std::string link = base_url(config, config.listen.port);
  if (!arguments.quiet) {
    const auto hour = [&](core::Timestamp time) {
      return core::format_iso_time({(time.ns / kSecondNs + by.count()) * kSecondNs});
    };
    std::cout << "Playing the recorded intrusion (content/samples) into " << link << ", source and tenant '" << kDemoSource
              << "'.\n"
              << recording.entries.size() << " records of " << recording.file_count << " logs, moved to " << hour(first)
              << " .. " << hour(last) << ", over some " << arguments.seconds << " s.\nWatch the findings come: " << link
              << "/findings" << std::endl;
  }
  const auto begin = Clock::now();
  Player player(*client, recording);
  TOCSIN_TRY(player.play(parts, std::chrono::seconds(arguments.seconds), !arguments.quiet && ::isatty(STDOUT_FILENO) == 1));
  if (!arguments.quiet) {
    const auto took = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin);
    std::cout << "Done: the server has all " << recording.entries.size() << " records, after " << took.count()
              << " s. What was found: " << link << "/findings" << std::endl;
  }
  return {};
}

}  // namespace

int run_demo_command(const std::vector<std::string>& words) {
  CLI::App app(
      "Plays a recorded intrusion into the running server, with times moved to now, so that there is something to see",
      "tocsin demo");
  Arguments arguments;
  app.add_option("-c,--config", arguments.config,
                 "tocsin.yaml of the server (default: ./tocsin.yaml, else /etc/tocsin/tocsin.yaml, else none)");
  app.add_option("-s,--set", arguments.overrides, "key=value, as `tocsin serve` was given (may be repeated)")
      ->allow_extra_args(false);
  app.add_option("--seconds", arguments.seconds, "How long it plays (default: 40); 0: as fast as the server takes it")
      ->check(CLI::Range(0, 86'400));
  app.add_flag("-q,--quiet", arguments.quiet, "Print nothing but what goes wrong");
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const LoadedConfig loaded = load_config(arguments.config, arguments.overrides);
  if (!loaded.usable()) {
    for (const ConfigProblem& problem : loaded.problems) std::cerr << "tocsin: " << format_problem(problem) << "\n";
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const auto played = play(loaded.config, arguments);
  if (played.ok()) return 0;
  std::cerr << "tocsin: " << played.error().text << "\n";
  return 1;
}

}  // namespace tocsin::app
