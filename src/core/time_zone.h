// Local times by the names of the IANA database ("Europe/Berlin"), read from what the system has of it.
//
// A value, cheap to copy; immutable, any thread. load() reads a file (the first time for a name); all else is arithmetic.
// The database comes with the system (package tzdata) and is read as it is when a zone is loaded.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace tocsin::core {

inline constexpr std::size_t kMaxZoneNameBytes = 64;

class TimeZone {
 public:
  TimeZone();  // UTC.
  // kInvalid: no name of a zone; kNotFound: the system knows none of that name.
  static Result<TimeZone> load(std::string_view name);

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] CivilTime local(Timestamp time) const;  // Whole seconds. REQUIRES: time.known().
  // The instant of a local date and `second` of its day (0 to 86,400). A local time that a change skips is the moment of the
  // change; one that comes twice is the first.
  [[nodiscard]] Timestamp at(int year, unsigned month, unsigned day, std::int64_t second) const;

 private:
  struct Impl;
  explicit TimeZone(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tocsin::core
