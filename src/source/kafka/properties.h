// Which properties of librdkafka a configuration may set: those that cannot run programs, load libraries or break the rule
// that offsets are committed behind what is on disk. Pure functions.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"
#include "source/kafka.h"

namespace tocsin::source::kafka {

// kInvalid or kUnsupported, with the name of the option or property and what is expected.
core::Result<void> check_options(const KafkaOptions& options);
bool property_allowed(std::string_view name);

}  // namespace tocsin::source::kafka
