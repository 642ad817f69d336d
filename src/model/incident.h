// Why findings belong together. Plain data.
#pragma once
#include <cstdint>
#include <string>

#include "model/entity.h"

namespace tocsin::model {

// Why a finding is in an incident. `kind`: "first" (it opened it), "process_tree", "session", "hash", "connection",
// "address", "domain", "file", "user", "cloud_account", "host", "by_hand".
struct JoinReason {
  std::string kind;
  // One sentence: "same process tree on WS-042: winword.exe 4312 started powershell.exe 5120; 14 s apart".
  std::string text;
  Entity entity;        // What is shared.
  std::string finding;  // The id of the finding it is joined to; empty for the first.
  std::int64_t gap_ns = 0;
  double weight = 1;  // 0-1: how specific that is.
};

}  // namespace tocsin::model
