// Result<T>: a value or an Error. Our own class, so that ignoring one is a warning.
//
// Propagate with `auto x = TOCSIN_TRY(f());`. Ignore with `.ignore("why")`. Plain value, one thread.
#pragma once
#include <expected>
#include <utility>

#include "core/error.h"

namespace tocsin::core {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                       // NOLINT(google-explicit-constructor)
  Result(Error error) : value_(std::unexpected(std::move(error))) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  // REQUIRES: ok().
  [[nodiscard]] T& value() & { return *value_; }
  [[nodiscard]] const T& value() const& { return *value_; }
  [[nodiscard]] T&& value() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  // REQUIRES: !ok().
  [[nodiscard]] const Error& error() const { return value_.error(); }
  void ignore(const char* /*why*/) const {}

 private:
  std::expected<T, Error> value_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : value_(std::unexpected(std::move(error))) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const { return value_.error(); }
  void value() const {}
  void ignore(const char* /*why*/) const {}

 private:
  std::expected<void, Error> value_;
};

}  // namespace tocsin::core

// Evaluates to the value of a Result, or returns its Error from the enclosing function.
#define TOCSIN_TRY(expression)                                     \
  ({                                                               \
    auto tocsin_try_result = (expression);                         \
    if (!tocsin_try_result.ok()) return tocsin_try_result.error(); \
    std::move(tocsin_try_result).value();                          \
  })
