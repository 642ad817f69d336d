// The `demo` command: plays the recorded intrusion of content/samples into a running server, as any sender would.
#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace tocsin::app {

// The built-in source that takes it, and its tenant: its times are no measure for other events.
inline constexpr const char* kDemoSource = "demo";
// Records of so much of the recorded day are sent together: the story has more records that alternate between logs than
// requests that one address may make.
inline constexpr std::chrono::minutes kDemoWindow{5};

// 0: all was taken. 1: the server cannot be reached or took not all; what to do is on standard error. 2: wrong usage.
int run_demo_command(const std::vector<std::string>& arguments);

}  // namespace tocsin::app
