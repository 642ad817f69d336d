// The `serve` command: reads the configuration, runs the program until a signal ends it.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "app/notify.h"
#include "app/program.h"
#include "core/log.h"

#ifndef TOCSIN_VERSION
#define TOCSIN_VERSION "0"
#endif

namespace tocsin::app {
namespace {

constexpr std::chrono::milliseconds kStopGrace{1'500};

// Signals wait for the one thread that asks for them; threads made later inherit the mask.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

void print_start(const Program& program) {
  std::cout << "\ntocsin " << TOCSIN_VERSION << " is up: " << program.address() << "\n"
            << "certificate (SHA-256): " << program.fingerprint() << "\n"
            << program.summary();
  if (!program.setup_link().empty())
    std::cout << "\nOpen this link to make the first account; it works once, for 24 hours:\n\n  " << program.setup_link()
              << "\n";
  std::cout << "\nCtrl-C stops it. See an attack being found: tocsin demo (after make run: make demo)\n" << std::endl;
}

}  // namespace

int run_serve_command(const std::vector<std::string>& arguments) {
  CLI::App app("Takes in logs, keeps them, detects as they come, shows what happens", "tocsin serve");
  std::string config_path, content;
  std::vector<std::string> overrides;
  bool quiet = false;
  app.add_option("-c,--config", config_path,
                 "tocsin.yaml (default: ./tocsin.yaml, else /etc/tocsin/tocsin.yaml, else none)");
  app.add_option("-s,--set", overrides, "key=value, by the names `tocsin config show` prints (may be repeated)")
      ->allow_extra_args(false);
  app.add_option("--content", content, "Use this content folder instead of what is built in");
  app.add_flag("-q,--quiet", quiet, "Do not print where it is and what it does");
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const sigset_t signals = block_signals();
  LoadedConfig loaded = load_config(config_path, overrides);
  for (const ConfigProblem& problem : loaded.problems) std::cerr << "tocsin: " << format_problem(problem) << "\n";
  if (!loaded.usable()) return 2;

  ProgramOptions options;
  options.content_folder = content;
  options.version = TOCSIN_VERSION;
  if (const char* password = std::getenv("TOCSIN_ADMIN_PASSWORD"); password != nullptr) {
    options.admin_password = password;
    ::unsetenv("TOCSIN_ADMIN_PASSWORD");
  }
  const Notifier notifier = Notifier::from_environment();
  if (notifier.watchdog_interval()) options.beat = [&notifier] { notifier.watchdog(); };
  auto program = Program::start(std::move(loaded.config), std::move(options));
  if (!program.ok()) {
    std::cerr << "tocsin: " << program.error().text << "\n";
    return 2;
  }
  notifier.ready();
  if (!quiet) print_start(**program);
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGHUP) {
      notifier.reloading();
      (*program)->reload();
      notifier.ready();
      continue;
    }
    if (signal == SIGUSR1) continue;
    break;
  }
  notifier.stopping();
  if (!quiet) std::cout << "stopping" << std::endl;
  (*program)->stop(kStopGrace);
  return 0;
}

}  // namespace tocsin::app
