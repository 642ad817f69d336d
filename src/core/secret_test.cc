#include "core/secret.h"

#include <gtest/gtest.h>

namespace tocsin::core {
namespace {

TEST(Secret, WhatItWasMovedFromHoldsNothingOfIt) {
  // Short texts lie inside the string itself, where a move copies them.
  for (const std::size_t size : {8u, 15u, 16u, 64u}) {
    alignas(Secret) unsigned char place[sizeof(Secret)];
    auto* from = new (place) Secret(std::string(size, 'k'));
    const Secret to(std::move(*from));
    EXPECT_EQ(to.reveal(), std::string(size, 'k'));
    EXPECT_TRUE(from->empty());
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(place), sizeof place).find("kk"), std::string_view::npos)
        << size;
    from->~Secret();
  }
}

TEST(Secret, EqualsComparesAllOfIt) {
  const Secret secret("0123456789");
  EXPECT_TRUE(secret.equals("0123456789"));
  for (const char* other : {"", "012345678", "01234567890", "1123456789", "0123456788"})
    EXPECT_FALSE(secret.equals(other)) << other;
}

}  // namespace
}  // namespace tocsin::core
