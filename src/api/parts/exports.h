// Exports under way, each on a thread of its own, so that none holds a worker of the server. Locks inside.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <thread>

#include "api/api.h"
#include "core/mutex.h"

namespace tocsin::api {

class Exports {
 public:
  // Ends them all and waits.
  ~Exports();
  // False where kMaxExports run. `work` must end soon after the token is set.
  bool start(std::function<void(const std::shared_ptr<store::CancelToken>&)> work);

 private:
  struct One {
    std::shared_ptr<store::CancelToken> token = store::make_cancel_token();
    std::thread thread;
    bool done = false;
  };
  void reap() REQUIRES_LOCK(mutex_);
  core::Mutex mutex_;
  std::list<std::shared_ptr<One>> running_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin::api
