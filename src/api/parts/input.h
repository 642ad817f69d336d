// What a request says, read with bounds: its JSON body, its query. The first thing wrong is kept; read all, then ask.
//
// One thread. simdjson stays in input.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/secret.h"
#include "core/time.h"
#include "http/server.h"

namespace tocsin::api {

inline constexpr std::size_t kMaxListValues = 1'000;
inline constexpr std::size_t kMaxNameBytes = 256;

struct InputProblem {
  std::string field, text;
};
struct TextOptions {
  bool required = true;  // Absent is a problem.
  std::size_t max_bytes = kMaxNameBytes;
};

// "now", "now-15m" (s m h d w) or ISO.
std::optional<core::Timestamp> parse_when(std::string_view text, core::Timestamp now);

class Body {
 public:
  // An object; anything else is a problem. Empty bytes are an empty object.
  explicit Body(std::string_view json);
  ~Body();
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  [[nodiscard]] bool has(const char* name) const;  // Neither absent nor null.
  std::string text(const char* name, TextOptions options = {});
  core::Secret secret(const char* name);
  std::optional<std::string> optional_text(const char* name, std::size_t max_bytes = kMaxNameBytes);
  std::optional<bool> optional_boolean(const char* name);
  std::int64_t number(const char* name, std::int64_t absent, std::int64_t least, std::int64_t most);
  std::vector<std::string> texts(const char* name);                                            // Absent: none.
  std::vector<std::int64_t> numbers(const char* name, std::int64_t least, std::int64_t most);  // Absent: none.
  std::vector<std::string> objects(const char* name, std::size_t max_count);  // Each as compact JSON; absent: none.
  std::string object(const char* name, std::size_t max_bytes);                // As compact JSON; absent: "{}".
  core::Timestamp when(const char* name, core::Timestamp absent, core::Timestamp now);

  void refuse(std::string field, std::string text);
  [[nodiscard]] const std::optional<InputProblem>& problem() const { return problem_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::optional<InputProblem> problem_;
};

class Query {
 public:
  Query(const http::Request& request, core::Timestamp now) : request_(request), now_(now) {}
  std::string text(const char* name) const;  // "" where absent.
  std::int64_t number(const char* name, std::int64_t absent, std::int64_t least, std::int64_t most);
  std::vector<std::string> list(const char* name);  // By comma; empty parts are left out.
  core::Timestamp when(const char* name, core::Timestamp absent);
  // One of `allowed`; absent: the first.
  std::string choice(const char* name, std::initializer_list<const char*> allowed);

  void refuse(std::string field, std::string text);
  [[nodiscard]] const std::optional<InputProblem>& problem() const { return problem_; }

 private:
  const http::Request& request_;
  core::Timestamp now_;
  std::optional<InputProblem> problem_;
};

// Opaque to clients: parts that no part's text can imitate.
std::string make_cursor(const std::vector<std::string>& parts);
// Empty where it is none of ours with so many parts.
std::optional<std::vector<std::string>> read_cursor(std::string_view cursor, std::size_t parts);

}  // namespace tocsin::api
