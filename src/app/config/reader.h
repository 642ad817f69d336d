// Values of the configuration, read from nodes of YAML: each reader takes what is well formed and in range, or notes a
// problem with its place and leaves the target alone.
//
// One thread. Values of the environment and the command line come as nodes too (made by `scalar`), without a line.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "core/yaml.h"

namespace tocsin::app::config {

// Past it problems are not listed: nobody reads more, and each costs time.
inline constexpr std::size_t kMaxProblems = 200;
inline constexpr std::size_t kMaxListItems = 10'000;
inline constexpr std::size_t kMaxSecretBytes = 64 * 1024;

// Where the values come from that are read now.
struct Origin {
  std::string path;       // For problems: the file, "environment TOCSIN_LISTEN", "command line".
  std::string folder;     // Relative paths are from here; empty: the current folder.
  bool from_file = true;  // Else a list is written with commas.
};

// Where one value stands.
struct Place {
  std::string path;
  std::uint32_t line = 0, column = 0;  // 0: not in a file.
  [[nodiscard]] std::string shown() const { return line == 0 ? path : path + ":" + std::to_string(line); }
};

struct Range {
  std::uint64_t min = 0, max = 0;
};

class Reader {
 public:
  explicit Reader(std::vector<ConfigProblem>& problems) : problems_(problems) {}
  void set_origin(Origin origin) { origin_ = std::move(origin); }
  [[nodiscard]] const Origin& origin() const { return origin_; }
  // The dotted name of the key read now; messages begin with it.
  void set_key(std::string key) { key_ = std::move(key); }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] Place place_of(const core::YamlNode& node) const { return {origin_.path, node.line, node.column}; }

  void problem(const core::YamlNode& node, std::string_view message, bool fatal = true);
  void problem_at(const Place& place, std::string_view message, bool fatal = true);
  [[nodiscard]] bool full() const { return problems_.size() >= kMaxProblems; }

  bool text(const core::YamlNode& node, std::string& out);
  bool name(const core::YamlNode& node, std::string& out);  // Of letters, digits, - and _, at most 64.
  bool boolean(const core::YamlNode& node, bool& out);
  bool number(const core::YamlNode& node, Range range, std::uint64_t& out);
  bool decimal(const core::YamlNode& node, double max, double& out);
  bool percent(const core::YamlNode& node, Range range, unsigned& out);
  bool bytes(const core::YamlNode& node, Range range, std::uint64_t& out);
  bool duration(const core::YamlNode& node, std::chrono::milliseconds min, std::chrono::milliseconds max,
                std::chrono::milliseconds& out);
  bool listen(const core::YamlNode& node, ListenConfig& out);
  bool list(const core::YamlNode& node, std::vector<std::string>& out);  // One text alone is a list of one.
  bool path(const core::YamlNode& node, std::string& out);               // Made absolute.
  bool paths(const core::YamlNode& node, std::vector<std::string>& out);
  bool secret_file(const core::YamlNode& node, core::Secret& out);
  bool secret_environment(const core::YamlNode& node, core::Secret& out);

 private:
  bool expected(const core::YamlNode& node, std::string_view what);  // Notes it; false.
  [[nodiscard]] std::string resolve(std::string_view path) const;

  std::vector<ConfigProblem>& problems_;
  Origin origin_;
  std::string key_;
};

// A node that holds a value given outside the file.
core::YamlNode scalar(std::string text);
// The nearest of `names` to `word` where one is near enough to be meant; else empty.
std::string nearest(std::string_view word, const std::vector<std::string>& names);
std::string joined(const std::vector<std::string>& items, std::string_view by = ", ");

// As they are written in the file.
std::string shown_bytes(std::uint64_t bytes);
std::string shown_duration(std::chrono::milliseconds duration);
std::string shown_listen(const ListenConfig& listen);
std::string shown_bool(bool value);

}  // namespace tocsin::app::config
