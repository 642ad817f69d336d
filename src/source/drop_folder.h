// Reads everything that is put into a folder once, then moves it away: exports, evidence, archives.
//
// A file is taken when it is complete: its writer closed it or moved it in, or it has not changed for a while. What `detect`
// reads is read (source/file_input.h): plain, compressed, archives in archives. Then the file goes to done/ or failed/ below
// the folder, there with a text of the same name and .txt that says why. After a crash the reading goes on behind the last
// delivery that is safe. Names that begin with a dot or end in .part, .tmp, .filepart or .crdownload are let be: their
// writers rename them. Links are not followed. One thread, one file at a time. Memory: a few MB, or twice the longest record
// (32 MB). Causes of refusal: "too-long", "not-a-log", "unreadable".
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "core/result.h"
#include "source/file_input.h"
#include "source/live.h"

namespace tocsin::source {

inline constexpr std::size_t kMaxDroppedFiles = 100'000;  // Known at once; more wait for these.

struct DropFolderOptions {
  std::string folder;                       // Absolute. It and the two folders in it are made where absent.
  bool delete_done = false;                 // Instead of moving to done/. What failed is never deleted.
  std::chrono::milliseconds settle{2'000};  // Without change, where its writer is not seen to close it.
  std::chrono::milliseconds poll{10'000};   // Beside the kernel's notices; each second where there are none.
  ReadOptions read;
};

// An error: the folder cannot be made or entered.
core::Result<std::unique_ptr<LiveSource>> start_drop_folder(DropFolderOptions options, SourceRef source,
                                                            const SourceContext& context);

}  // namespace tocsin::source
