// The journal as sources see it.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "model/delivery.h"
#include "stream/journal.h"

namespace tocsin::app {

class JournalIntake final : public model::Intake {
 public:
  explicit JournalIntake(stream::Journal& journal) : journal_(journal) {}
  void submit(model::Delivery delivery, Done done) override {
    journal_.append(std::move(delivery), [done = std::move(done)](const core::Result<std::uint64_t>& sequence) {
      done(sequence.ok() ? core::Result<void>() : core::Result<void>(sequence.error()));
    });
  }
  [[nodiscard]] std::string checkpoint(std::string_view key) const override { return journal_.checkpoint(key); }

 private:
  stream::Journal& journal_;
};

}  // namespace tocsin::app
