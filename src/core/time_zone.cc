#include "core/time_zone.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <algorithm>

namespace tocsin::core {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

// Nothing that leads out of the database's folder, and none of the library's own words ("localtime", "libc:...").
bool is_zone_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' ||
           c == '/';
  };
  return !name.empty() && name.size() <= kMaxZoneNameBytes && std::ranges::all_of(name, good) && name.front() >= 'A' &&
         name.front() <= 'Z' && !name.ends_with('/') && name.find("//") == std::string_view::npos;
}

std::int64_t floor_seconds(std::int64_t ns) { return ns / kSecondNs - (ns % kSecondNs < 0 ? 1 : 0); }

}  // namespace

struct TimeZone::Impl {
  std::string name;
  absl::TimeZone zone;
};

TimeZone::TimeZone() {
  static const auto utc = std::make_shared<const Impl>(Impl{"UTC", absl::UTCTimeZone()});
  impl_ = utc;
}

Result<TimeZone> TimeZone::load(std::string_view name) {
  if (!is_zone_name(name)) {
    return Error{ErrorCode::kInvalid, "'" + std::string(name.substr(0, kMaxZoneNameBytes)) +
                                          "' is no time zone; expected a name such as Europe/Berlin or UTC"};
  }
  auto impl = std::make_shared<Impl>();
  impl->name = name;
  if (!absl::LoadTimeZone(impl->name, &impl->zone)) {
    return Error{ErrorCode::kNotFound, "the system knows no time zone " + impl->name +
                                           "; expected a name such as Europe/Berlin or UTC (package tzdata)"};
  }
  return TimeZone(std::shared_ptr<const Impl>(std::move(impl)));
}

const std::string& TimeZone::name() const { return impl_->name; }

CivilTime TimeZone::local(Timestamp time) const {
  const absl::CivilSecond civil = absl::ToCivilSecond(absl::FromUnixSeconds(floor_seconds(time.ns)), impl_->zone);
  CivilTime out;
  out.year = static_cast<int>(civil.year());
  out.month = static_cast<unsigned>(civil.month());
  out.day = static_cast<unsigned>(civil.day());
  out.hour = static_cast<unsigned>(civil.hour());
  out.minute = static_cast<unsigned>(civil.minute());
  out.second = static_cast<unsigned>(civil.second());
  const std::int64_t days = days_from_civil(out.year, out.month, out.day);
  out.weekday = static_cast<unsigned>(((days % 7) + 7 + 4) % 7);
  return out;
}

Timestamp TimeZone::at(int year, unsigned month, unsigned day, std::int64_t second) const {
  const absl::CivilSecond civil = absl::CivilSecond(year, static_cast<int>(month), static_cast<int>(day)) + second;
  const absl::TimeZone::TimeInfo info = impl_->zone.At(civil);
  const absl::Time time = info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
  return {absl::ToUnixSeconds(time) * kSecondNs};
}

}  // namespace tocsin::core
