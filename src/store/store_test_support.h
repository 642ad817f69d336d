// A store on the real engine for a test, and rows to put into it. Used by tests only.
#pragma once
#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "core/metrics.h"
#include "store/store.h"
#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::store {

// Empty where the engine is not installed.
inline std::string engine_library() {
  std::vector<std::filesystem::path> places;
  if (const char* folder = std::getenv("TOCSIN_ENGINE_FOLDER")) places.emplace_back(folder);
  places.push_back(testing::project_root() / "var/engine");
  for (const auto& place : places) {
    if (std::filesystem::exists(place / "libchdb.so")) return (place / "libchdb.so").string();
  }
  return "";
}

// The program to start as `<program> store`; empty: this one.
inline std::string store_program() {
#if defined(TOCSIN_STORE_PROGRAM)
  return TOCSIN_STORE_PROGRAM;
#else
  return "";
#endif
}

#define TOCSIN_NEEDS_ENGINE() \
  if (engine_library().empty()) GTEST_SKIP() << "the engine is not installed: run tools/install_engine.sh"

inline const core::Timestamp kNoon{1'795'521'600'000'000'000};  // 2026-11-24T12:00:00Z
inline constexpr std::int64_t kDayNs = 86'400'000'000'000;

inline model::EventRow sample_event(std::uint64_t sequence, std::uint64_t index = 0) {
  model::EventRow event;
  event.id = model::make_event_id(sequence, index);
  event.time = {kNoon.ns + static_cast<std::int64_t>(sequence) * 1'000'003};
  event.received_at = {event.time.ns + 5'000'000};
  event.tenant = "default";
  event.source = "test";
  event.host = "web01";
  event.process_cmd_line = "cmd.exe /c whoami";
  event.raw = "{}";
  return event;
}

struct TestStore {
  testing::TemporaryFolder folder;
  core::Metrics metrics;
  StoreOptions options;
  std::unique_ptr<Store> store;
  TestStore() {
    options.folder = (folder.path() / "store").string();
    options.engine_library = engine_library();
    options.program = store_program();
  }
  void open() {
    auto opened = Store::open(options, metrics);
    ASSERT_TRUE(opened.ok()) << opened.error().text;
    store = std::move(*opened);
  }
  std::string ask(std::string_view sql, std::string_view format = "TabSeparated") {
    auto result = store->query(sql, format, {});
    return result.ok() ? result->body : "error: " + result.error().text;
  }
  static std::vector<int> children_of(int parent_id) {
    std::vector<int> out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "stat");
      std::string line;
      if (!std::getline(file, line)) continue;
      const std::size_t end = line.rfind(')');
      if (end == std::string::npos || line.find("(tocsin-store)") == std::string::npos) continue;
      char state = 0;
      int parent = 0;
      if (std::sscanf(line.c_str() + end + 1, " %c %d", &state, &parent) != 2 || parent != parent_id || state == 'Z')
        continue;
      out.push_back(std::atoi(line.c_str()));
    }
    return out;
  }
  // How many.
  static std::size_t kill_children() {
    const std::vector<int> children = children_of(::getpid());
    for (const int child : children) ::kill(child, SIGKILL);
    return children.size();
  }
};

}  // namespace tocsin::store
