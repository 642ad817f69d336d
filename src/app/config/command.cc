#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "app/config.h"
#include "core/json_writer.h"
#include "core/yaml.h"

namespace tocsin::app {
namespace {

constexpr std::size_t kMaxShownBytes = 400;

void print_values(const std::vector<ConfigValue>& values, bool as_json) {
  if (as_json) {
    std::string text;
    core::JsonWriter json(text);
    json.begin_array();
    for (const ConfigValue& value : values) {
      json.begin_object()
          .key("key")
          .text(value.key)
          .key("value")
          .text(value.value)
          .key("origin")
          .text(value.origin)
          .end_object();
    }
    json.end_array();
    std::cout << text << '\n';
    return;
  }
  std::size_t key_width = 0, value_width = 0;
  for (const ConfigValue& value : values) {
    key_width = std::max(key_width, value.key.size());
    value_width = std::max(value_width, std::min<std::size_t>(value.value.size(), 40));
  }
  for (const ConfigValue& value : values) {
    const std::string shown = core::clip(value.value, kMaxShownBytes);
    std::cout << value.key << std::string(key_width + 2 - value.key.size(), ' ') << shown
              << std::string(shown.size() < value_width ? value_width - shown.size() + 2 : 2, ' ') << "# " << value.origin
              << '\n';
  }
}

void print_problems(const LoadedConfig& loaded) {
  for (const ConfigProblem& problem : loaded.problems) std::cerr << format_problem(problem) << '\n';
}

int check(const LoadedConfig& loaded) {
  print_problems(loaded);
  const auto fatal =
      std::count_if(loaded.problems.begin(), loaded.problems.end(), [](const ConfigProblem& each) { return each.fatal; });
  const std::string where = loaded.config.path.empty() ? "no file, all defaults" : loaded.config.path;
  if (fatal > 0) {
    std::cerr << where << ": " << fatal << (fatal == 1 ? " problem\n" : " problems\n");
    return 1;
  }
  const std::size_t sources = loaded.config.sources.size();
  std::cout << where << ": well; " << sources << (sources == 1 ? " source\n" : " sources\n");
  return 0;
}

}  // namespace

std::string format_problem(const ConfigProblem& problem) {
  std::string out = problem.path.empty() ? "configuration" : problem.path;
  if (problem.line != 0) out += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
  return out + (problem.fatal ? ": " : ": warning: ") + problem.message;
}

int run_config_command(const std::vector<std::string>& arguments) {
  CLI::App app("Checks tocsin.yaml, or shows the values that count and where each comes from", "tocsin config");
  app.require_subcommand(1);
  std::string path;
  std::vector<std::string> overrides;
  bool as_json = false;
  CLI::App& check_command = *app.add_subcommand("check", "Say what is wrong in the configuration, with line and column");
  CLI::App& show_command = *app.add_subcommand("show", "Print each value as it counts, with its origin");
  for (CLI::App* command : {&check_command, &show_command}) {
    command->add_option("-c,--config", path, "This file (default: tocsin.yaml here, else /etc/tocsin/tocsin.yaml)");
    command->add_option("--set", overrides, "key=value, over the file and the environment (may be repeated)")
        ->allow_extra_args(false);
  }
  show_command.add_flag("--json", as_json, "As JSON");
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const LoadedConfig loaded = load_config(path, overrides);
  if (check_command.parsed()) return check(loaded);
  print_problems(loaded);
  print_values(loaded.values, as_json);
  return loaded.usable() ? 0 : 1;
}

}  // namespace tocsin::app
