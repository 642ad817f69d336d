// The command line: arguments to commands. One entry; everything else in this folder is reached through it or by tests.
#pragma once

namespace tocsin::cli {

// Exit codes, the same for all commands.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFound = 1;   // detect: findings at or above --fail-on; rules check, test: problems.
inline constexpr int kExitUsage = 2;   // Usage, or input that cannot be read.

int run(int argc, char** argv);

}  // namespace tocsin::cli
