// Names on any text: canonical_name, and the memory of key paths against the same paths made slowly.
//
// Input: keys, one a line; a line that begins with '<' goes on at the parent, '>' below the path made last.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "decode/fuzz_batches.h"
#include "decode/json/json_paths.h"
#include "decode/windows_names.h"

namespace {

using namespace tocsin;          // NOLINT(google-build-using-namespace)
using namespace tocsin::decode;  // NOLINT(google-build-using-namespace)

void check_path(const json::Path& path) {
  fuzz_require(path.path.size() <= model::kMaxNameBytes);
  const std::string name = canonical_name(path.path);
  fuzz_require(path.name_text == name);
  fuzz_require(name.size() <= model::kMaxNameBytes);
}

// Walks the keys once; the ids of the paths, for a second walk must find the same ones.
std::string walk(json::Paths& paths, std::string_view keys, model::Batch& batch) {
  std::string ids;
  std::uint32_t parent = json::Paths::kRoot, previous = 0, last = 0;
  while (!keys.empty()) {
    const std::size_t end = std::min(keys.find('\n'), keys.size());
    std::string_view key = keys.substr(0, end);
    keys.remove_prefix(std::min(end + 1, keys.size()));
    if (key.starts_with('<')) {
      previous = parent;
      parent = parent == json::Paths::kRoot ? parent : paths[parent].parent;
      if (previous == json::Paths::kRoot) previous = 0;
      key.remove_prefix(1);
    } else if (key.starts_with('>') && last != 0) {
      parent = last;
      previous = 0;
      key.remove_prefix(1);
    }
    const std::uint32_t id = paths.child(parent, previous, key, batch);
    if (id == json::Paths::kBadKey) continue;
    fuzz_require(id < paths.size() && paths[id].parent == parent);
    check_path(paths[id]);
    ids.append(std::to_string(id)).push_back(' ');
    previous = last = id;
  }
  return ids;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  fuzz_require(canonical_name(text).size() <= size + 64);
  FuzzBatches& batches = FuzzBatches::clean();
  const std::string_view keys = batches.block(text);
  json::Paths paths;
  paths.bind(batches.first);
  const std::string ids = walk(paths, keys, batches.first);
  paths.end_event();
  fuzz_require(walk(paths, keys, batches.first) == ids);
  return 0;
}
