// Which closed incidents a second person judges again: a share of them, by a keyed hash of their numbers. Pure.
//
// The same key gives the same sample, so nothing has to be stored; without the key nobody can tell whether an incident will
// be in it. A larger share takes all that a smaller one takes.
#pragma once
#include <cstdint>

#include "core/secret.h"

namespace tocsin::measure {

// A key for this use alone, made of one that is secret.
core::Secret sample_key(const core::Secret& secret);
// `share_percent`: 0 takes none, 100 all.
bool is_sampled(const core::Secret& key, std::int64_t incident, double share_percent);

}  // namespace tocsin::measure
