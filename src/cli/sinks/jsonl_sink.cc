#include <ostream>

#include "cli/finding_sink.h"

namespace tocsin::cli {
namespace {

// One OCSF Detection Finding a line, and nothing else.
class JsonlSink : public FindingSink {
 public:
  explicit JsonlSink(std::ostream& out) : out_(out) {}
  void add(const Found& found) override { out_ << found.json << '\n'; }
  void finish(const RunSummary&) override {}

 private:
  std::ostream& out_;
};

}  // namespace

std::unique_ptr<FindingSink> make_jsonl_sink(std::ostream& out) { return std::make_unique<JsonlSink>(out); }

}  // namespace tocsin::cli
