// The command line: arguments to commands. One entry; everything else in this folder is reached through it or by tests.
#pragma once

namespace tocsin::cli {

// Exit codes, the same for all commands. A run that a signal ended exits with 128 and its number (130: Ctrl-C), after
// writing what it had; one whose standard output was closed by its reader (`| head`) ends quietly, as done.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFound = 1;  // detect: findings at or above --fail-on; rules check, test: problems.
inline constexpr int kExitUsage =
    2;  // Usage, a path of which nothing could be read, or an output that could not be written.

int run(int argc, char** argv);

}  // namespace tocsin::cli
