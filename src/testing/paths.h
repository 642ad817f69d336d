// Where tests find files. Used by tests only.
#pragma once
#include <filesystem>
#include <string>

namespace tocsin::testing {

// The project's root (compiled in by CMake for tests only).
std::filesystem::path project_root();
// ../shared/data seen from the project's root, or empty where it is absent: then the test must GTEST_SKIP() with a message.
std::filesystem::path shared_data();
// The whole file as bytes; aborts the test program where it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace tocsin::testing
