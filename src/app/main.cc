#include <string_view>

#include "app/config.h"
#include "cli/cli.h"

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "config") return tocsin::app::run_config_command({argv + 2, argv + argc});
  return tocsin::cli::run(argc, argv);
}
