// SipHash-1-3: a keyed 64-bit hash, so that who chooses the values cannot aim at collisions without the key.
//
// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). Pure functions.
#pragma once
#include <cstdint>
#include <string_view>

namespace tocsin::detect::correlate {

std::uint64_t keyed_hash(std::uint64_t key, std::string_view bytes);

}  // namespace tocsin::detect::correlate
