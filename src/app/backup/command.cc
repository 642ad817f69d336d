#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "app/backup.h"
#include "app/config.h"
#include "app/own_server.h"
#include "core/clock.h"

#ifndef TOCSIN_VERSION
#define TOCSIN_VERSION "0"
#endif

namespace tocsin::app {
namespace {

struct Arguments {
  std::string folder, config;
  std::vector<std::string> overrides;
};

// Empty: `code` is the exit code.
std::optional<Arguments> parse(CLI::App& app, const std::vector<std::string>& words, const char* what, int& code) {
  Arguments out;
  app.add_option("folder", out.folder, what)->required();
  app.add_option("-c,--config", out.config, "This file (default: tocsin.yaml here, else /etc/tocsin/tocsin.yaml)");
  app.add_option("--set", out.overrides, "key=value, over the file and the environment (may be repeated)")
      ->allow_extra_args(false);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  std::error_code error;
  if (const auto full = std::filesystem::absolute(out.folder, error); !error) out.folder = full.lexically_normal().string();
  return out;
}

std::optional<Config> config_of(const Arguments& arguments) {
  LoadedConfig loaded = load_config(arguments.config, arguments.overrides);
  if (loaded.usable()) return std::move(loaded.config);
  for (const ConfigProblem& problem : loaded.problems) std::cerr << format_problem(problem) << '\n';
  return std::nullopt;
}

store::StoreOptions store_options(const Config& config, const DataPaths& paths) {
  store::StoreOptions options;
  options.folder = paths.store;
  options.engine_library = config.engine_library;
  options.engine_memory_bytes = config.store_memory_bytes;
  return options;
}

core::Result<BackupSummary> backup_of(const Config& config, const std::string& folder) {
  const DataPaths paths = data_paths(config.folder);
  std::error_code error;
  if (!std::filesystem::exists(paths.ledger, error)) {
    return core::Error{core::ErrorCode::kNotFound, "there is nothing to back up in " + paths.folder + " (data.folder)"};
  }
  const core::SystemClock clock;
  core::Metrics metrics;
  stream::JournalOptions journal_options;
  journal_options.folder = paths.journal;
  journal_options.first_sequence = TOCSIN_TRY(first_sequence_of(paths));
  // First: it is locked while the program runs.
  const std::unique_ptr<stream::Journal> journal = TOCSIN_TRY(stream::Journal::open(journal_options, clock, metrics));
  const std::unique_ptr<ledger::Ledger> ledger = TOCSIN_TRY(ledger::Ledger::open(paths.ledger));
  const std::unique_ptr<store::Store> store = TOCSIN_TRY(store::Store::open(store_options(config, paths), metrics));
  return make_backup({paths, config.path, TOCSIN_VERSION, clock.now()}, *ledger, *store, *journal, folder);
}

// By the server that has the data folder open.
core::Result<std::string> backup_by_server(const Config& config, const std::string& folder) {
  const std::string token_path = data_paths(config.folder).keys + "/" + kControlTokenFile;
  std::ifstream file(token_path);
  std::string token;
  if (!std::getline(file, token)) {
    return core::Error{core::ErrorCode::kDenied, "the data folder is in use, and " + token_path +
                                                     " cannot be read: run this as the user of the server"};
  }
  IngestTarget target = own_server(config, core::Secret(std::move(token)));
  target.timeout = std::chrono::hours(6);
  const auto client = TOCSIN_TRY(IngestClient::create(std::move(target)));
  const IngestClient::Answer answer = TOCSIN_TRY(client->post_to(kBackupPath, folder));
  if (answer.status != 200)
    return core::Error{core::ErrorCode::kIo, "the server answered " + std::to_string(answer.status) + ": " + answer.body};
  return answer.body;
}

int told(const core::Result<BackupSummary>& result, const std::string& done) {
  if (!result.ok()) {
    std::cerr << "tocsin: " << result.error().text << '\n';
    return 1;
  }
  std::cout << done << ": " << result->files << " files, " << result->bytes << " bytes\n";
  return 0;
}

}  // namespace

int run_backup_command(const std::vector<std::string>& words) {
  CLI::App app("Copies all that Tocsin knows into a new folder", "tocsin backup");
  int code = 0;
  const std::optional<Arguments> arguments = parse(app, words, "The folder to make", code);
  if (!arguments) return code;
  const std::optional<Config> config = config_of(*arguments);
  if (!config) return 1;
  const auto made = backup_of(*config, arguments->folder);
  if (made.ok() || made.error().code != core::ErrorCode::kDenied) return told(made, "backed up to " + arguments->folder);
  const auto asked = backup_by_server(*config, arguments->folder);
  if (!asked.ok()) {
    std::cerr << "tocsin: " << asked.error().text << '\n';
    return 1;
  }
  std::cout << "backed up to " << arguments->folder << " by the running server: " << *asked << '\n';
  return 0;
}

int run_restore_command(const std::vector<std::string>& words) {
  CLI::App app("Fills an empty data folder from a backup", "tocsin restore");
  int code = 0;
  const std::optional<Arguments> arguments = parse(app, words, "The backup", code);
  if (!arguments) return code;
  const std::optional<Config> config = config_of(*arguments);
  if (!config) return 1;
  const DataPaths paths = data_paths(config->folder);
  core::Metrics metrics;
  return told(restore_backup(arguments->folder, paths, store_options(*config, paths), metrics),
              "restored into " + paths.folder);
}

}  // namespace tocsin::app
