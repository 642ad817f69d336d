#include "normalise/ocsf/convert_names.h"

#include <algorithm>
#include <array>

namespace tocsin::normalise::ocsf {
namespace {

struct ConvertName {
  std::string_view name;
  Convert convert;
};
constexpr std::array<ConvertName, 17> kConverts{{{"text", Convert::kText},
                                                 {"int", Convert::kInteger},
                                                 {"float", Convert::kFloat},
                                                 {"bool", Convert::kBoolean},
                                                 {"time", Convert::kTime},
                                                 {"seconds", Convert::kSeconds},
                                                 {"basename", Convert::kBasename},
                                                 {"list", Convert::kList},
                                                 {"objects", Convert::kObjects},
                                                 {"hashes", Convert::kHashes},
                                                 {"native", Convert::kNative},
                                                 {"file", Convert::kFile},
                                                 {"user", Convert::kUser},
                                                 {"endpoint", Convert::kEndpoint},
                                                 {"url", Convert::kUrl},
                                                 {"registry-value", Convert::kRegistryValue},
                                                 {"registry-key", Convert::kRegistryKey}}};

// Attributes that OCSF types as integers and whose names do not end in _id.
constexpr std::array<std::string_view, 33> kIntegerNames{"access_mask",
                                                         "actual_permissions",
                                                         "bytes",
                                                         "bytes_in",
                                                         "bytes_out",
                                                         "bytes_missed",
                                                         "code",
                                                         "count",
                                                         "duration",
                                                         "exit_code",
                                                         "key_length",
                                                         "latency",
                                                         "lease_dur",
                                                         "length",
                                                         "opnum",
                                                         "packets",
                                                         "packets_in",
                                                         "packets_out",
                                                         "packet_uid",
                                                         "pid",
                                                         "port",
                                                         "precision",
                                                         "protocol_num",
                                                         "ptid",
                                                         "requested_permissions",
                                                         "sequence",
                                                         "size",
                                                         "tcp_flags",
                                                         "tid",
                                                         "timezone_offset",
                                                         "total",
                                                         "ttl",
                                                         "body_length"};

}  // namespace

Convert convert_by_name(std::string_view leaf) {
  if (leaf.ends_with("_id") || std::ranges::find(kIntegerNames, leaf) != kIntegerNames.end()) return Convert::kInteger;
  if (leaf == "time" || (leaf.ends_with("_time") && leaf != "original_time")) return Convert::kTime;
  if (leaf.starts_with("is_") || leaf == "has_mfa") return Convert::kBoolean;
  return Convert::kText;
}

std::optional<Convert> find_convert(std::string_view name) {
  for (const ConvertName& known : kConverts) {
    if (known.name == name) return known.convert;
  }
  return {};
}

std::string all_convert_names() {
  std::string names;
  for (const ConvertName& known : kConverts) names += (names.empty() ? "" : ", ") + std::string(known.name);
  return names;
}

}  // namespace tocsin::normalise::ocsf
