// The engine's library, loaded at run time, and connections to it. Used by the child process only.
//
// Engine: one per process, lives until the process ends (the library is never unloaded). Connection: one thread at a time,
// one statement at a time. Nothing here throws.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace tocsin::store {

class Engine;

struct EngineAnswer {
  std::string body;
  std::uint64_t rows = 0, rows_read = 0, bytes_read = 0, elapsed_us = 0;
};

class Connection {
 public:
  Connection(const Engine& engine, void** handle) : engine_(&engine), handle_(handle) {}
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection();
  // One statement. The error's text is the engine's: "Code: 164. DB::Exception: ...".
  core::Result<EngineAnswer> run(std::string_view sql, std::string_view format = "TabSeparated");

 private:
  const Engine* engine_;
  void** handle_;
};

class Engine {
 public:
  // `arguments`: the engine's, the same for every connection. REQUIRES: <path>/metadata exists, all signals blocked.
  static core::Result<Engine> load(const std::string& library, std::vector<std::string> arguments);
  core::Result<Connection> connect() const;

 private:
  friend class Connection;
  Engine() = default;
  std::vector<std::string> arguments_;
  void** (*connect_)(int, char**) = nullptr;
  void (*close_)(void**) = nullptr;
  void* (*query_)(void*, const char*, std::size_t, const char*, std::size_t) = nullptr;
  void (*destroy_)(void*) = nullptr;
  const char* (*buffer_)(void*) = nullptr;
  std::size_t (*length_)(void*) = nullptr;
  const char* (*error_)(void*) = nullptr;
  double (*elapsed_)(void*) = nullptr;
  std::uint64_t (*rows_)(void*) = nullptr;
  std::uint64_t (*rows_read_)(void*) = nullptr;
  std::uint64_t (*bytes_read_)(void*) = nullptr;
};

// Of a file that configures it: server limits, merges, defaults of queries. `folder` is the store's.
std::string engine_configuration(const std::string& folder, std::uint64_t memory_bytes);

}  // namespace tocsin::store
