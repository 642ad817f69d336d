// Events of an NDJSON lane over and over, with values that differ: host, user, process ids, GUID, logon id, times, command
// lines. Cheap: each line of the lane is a text with gaps, and an event is that text copied and its gaps filled.
//
// The lane's lines must have the members "Computer", "User", "ProcessId", "ParentProcessId", "ProcessGuid", "LogonId",
// "UtcTime" and "CommandLine" (structured_windows.ndjson); those that a line lacks are left out. One thread each.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::bench {

struct LaneOptions {
  unsigned hosts = 400;                   // Of each kind of host ("ws-", "srv-") in the lane.
  unsigned users = 2'000;                 // That stand for the lane's "CORP\..."; users of the system stay.
  unsigned varied_commands_percent = 25;  // Of the command lines get an argument of 100,000 different ones.
};

class LaneEvents {
 public:
  // Ends the program with a message where the file cannot be read.
  LaneEvents(const std::string& path, LaneOptions options, std::uint64_t seed);
  // Appends one event and '\n'. `now_ns`: since 1970, what the event says it happened at.
  void append(std::int64_t now_ns, std::string& out);
  // One that bench/serve_bench.py's rule fits, from host "mark-<number>".
  static void append_mark(std::uint64_t number, std::int64_t now_ns, std::string& out);

 private:
  enum class Gap : unsigned char { kHost, kUser, kPid, kGuid, kLogon, kTime, kArgument };
  struct Place {
    Gap gap;
    std::size_t at, size;
  };
  struct Line {
    std::string text;
    std::vector<Place> places;
  };
  static Line make_line(std::string text, bool with_argument);
  static void open_gap(Line& line, std::string_view key, Gap gap, std::string_view content);
  std::uint64_t random();
  void fill(const Place& place, char* to, std::int64_t now_ns);

  const LaneOptions options_;
  std::vector<Line> plain_, varied_;
  std::uint64_t state_;
  std::size_t next_ = 0;
  std::int64_t shown_ms_ = -1;
  char time_text_[24] = {};
};

}  // namespace tocsin::bench
