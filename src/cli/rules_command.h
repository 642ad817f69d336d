// `tocsin rules check|list|stats|test|install`: what a person does with rules besides running them.
//
// Each verb is a function of its own in cli/rules/, free of argument parsing; this is the way in from the command line.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tocsin::cli {

struct RulesArguments {
  std::string verb;                     // Set by add_rules: "check", "list" ...
  std::vector<std::string> paths;       // Rules, or for test what to test; none: the rules that come with tocsin.
  std::vector<std::string> more_rules;  // test: loaded as well, so that references are found.
  std::vector<std::string> log_source_files;
  std::string format = "text", variables, content;
  std::vector<std::string> levels, statuses, tags, log_sources;  // list: filters.
  bool strict = false;                                           // check: warnings count as errors.
  bool no_twin = false;                                          // test: only the .evtx of a regression sample.
  bool verbose = false;                                          // test: also what passed.
  std::string package, from, to, sha256;                         // install.
};

void add_rules(CLI::App& app, RulesArguments& arguments);
// Prints to standard output, usage errors to standard error. Answers the exit code.
int rules_main(const RulesArguments& arguments);

}  // namespace tocsin::cli
