// The kernel's notices of what changes in folders (inotify). One thread.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "source/live/descriptor.h"

namespace tocsin::source {

class FolderWatch {
 public:
  FolderWatch();
  [[nodiscard]] int descriptor() const { return notify_.get(); }  // -1: there are no notices.
  // Watches these folders and no others; true: what is written to files in it matters too. Answers false where notices
  // cannot be relied on: too many watches, or a network disk.
  bool watch(const std::map<std::string, bool>& folders);

  struct Notice {
    std::string folder, name;  // Name empty: the folder itself went away.
    bool written = false;      // Only the content of a file changed; else names or rights did.
    bool closed = false;       // A file was closed after writing, or moved in: it is complete.
  };
  // Appends what there is. False: notices were lost; look at everything.
  bool read(std::vector<Notice>& out);

 private:
  void forget(int number);
  Descriptor notify_;
  struct Watched {
    int number = -1;
    bool leaf = false;
    bool reliable = true;
  };
  std::map<std::string, Watched> watched_;
  std::map<int, std::string> folders_;
};

}  // namespace tocsin::source
