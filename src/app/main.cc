#include <string_view>

#include "app/backup.h"
#include "app/config.h"
#include "app/demo.h"
#include "app/program.h"
#include "cli/cli.h"
#include "store/store.h"

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "serve") return tocsin::app::run_serve_command({argv + 2, argv + argc});
  if (command == "demo") return tocsin::app::run_demo_command({argv + 2, argv + argc});
  if (command == "config") return tocsin::app::run_config_command({argv + 2, argv + argc});
  if (command == "backup") return tocsin::app::run_backup_command({argv + 2, argv + argc});
  if (command == "restore") return tocsin::app::run_restore_command({argv + 2, argv + argc});
  if (command == "store") return tocsin::store::run_store_process(argc, argv);  // The child that holds the store's engine.
  return tocsin::cli::run(argc, argv);
}
