// The running server of a data folder, as the commands that speak to it find it.
#pragma once
#include "app/config.h"
#include "app/demo/ingest_client.h"

namespace tocsin::app {

// Made at each start, for the program's own commands: who may read the data folder may ask these things.
inline constexpr const char* kControlTokenFile = "control.token";
inline constexpr const char* kBackupPath = "/api/v1/local/backup";  // Body: the folder to make.

// Where it listens, and the certificate it must show.
IngestTarget own_server(const Config& config, core::Secret token);

}  // namespace tocsin::app
