// Result<T>: a value or an Error. Expected failures (bad input, a refusal) are results; exceptions end an
// operation that could not be expected to fail; PARLEY_ASSERT is for our own bugs and unreachable from input.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace parley {

struct Error {
  std::string what;  // one line, names the thing
  int code = 0;      // meaning is the callee's: an HTTP status, an exit code, errno
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};  // Result<Done>: success carries nothing
using Status = Result<Done>;

}  // namespace parley
