#include "source/live/folder_watch.h"

#include <sys/inotify.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tocsin::source {
namespace {

constexpr std::uint32_t kFolderMask = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                      IN_ATTRIB | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr std::uint32_t kLeafMask = kFolderMask | IN_MODIFY | IN_CLOSE_WRITE;

// What is written by another host makes no notice here.
bool is_remote(const std::string& folder) {
  struct statfs info{};
  if (::statfs(folder.c_str(), &info) != 0) return false;
  constexpr std::array<std::uint32_t, 7> kRemote = {0x6969,     0x517B,     0xFF534D42, 0xFE534D42,
                                                    0x65735546, 0x01021997, 0x00C36400};  // nfs smb cifs smb2 fuse 9p ceph
  return std::ranges::find(kRemote, static_cast<std::uint32_t>(info.f_type)) != kRemote.end();
}

}  // namespace

FolderWatch::FolderWatch() : notify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

void FolderWatch::forget(int number) {
  const auto found = folders_.find(number);
  if (found == folders_.end()) return;
  watched_.erase(found->second);
  folders_.erase(found);
}

bool FolderWatch::watch(const std::map<std::string, bool>& folders) {
  if (!notify_.ok()) return false;
  for (auto it = watched_.begin(); it != watched_.end();) {
    if (folders.contains(it->first)) {
      ++it;
      continue;
    }
    ::inotify_rm_watch(notify_.get(), it->second.number);
    folders_.erase(it->second.number);
    it = watched_.erase(it);
  }
  bool reliable = true;
  for (const auto& [folder, leaf] : folders) {
    const auto found = watched_.find(folder);
    if (found != watched_.end() && found->second.leaf == leaf) {
      reliable = reliable && found->second.reliable;
      continue;
    }
    const int number = ::inotify_add_watch(notify_.get(), folder.c_str(), leaf ? kLeafMask : kFolderMask);
    if (number < 0) {
      reliable = false;
      continue;
    }
    // Two names of one folder have one watch: the notices bear the first name, the second is polled.
    if (const auto other = folders_.find(number); other != folders_.end() && other->second != folder) {
      ::inotify_add_watch(notify_.get(), folder.c_str(), kLeafMask);
      reliable = false;
      continue;
    }
    folders_[number] = folder;
    const Watched& watched = watched_[folder] = {number, leaf, !is_remote(folder)};
    reliable = reliable && watched.reliable;
  }
  return reliable;
}

bool FolderWatch::read(std::vector<Notice>& out) {
  if (!notify_.ok()) return true;
  bool complete = true;
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  // Bounded: a busy folder must not keep us here.
  for (int round = 0; round < 16; ++round) {
    const ssize_t size = ::read(notify_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) complete = false;
      const auto found = folders_.find(event.wd);
      if (found == folders_.end()) continue;
      const bool folder_gone = (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0;
      out.push_back({found->second, folder_gone || event.len == 0 ? "" : std::string(name),
                     (event.mask & ~static_cast<std::uint32_t>(IN_MODIFY | IN_CLOSE_WRITE)) == 0,
                     (event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0});
      if (folder_gone) {
        if ((event.mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(notify_.get(), event.wd);
        forget(event.wd);
      }
    }
  }
  return complete;
}

}  // namespace tocsin::source
