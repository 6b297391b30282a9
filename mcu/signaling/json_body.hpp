// The JSON body of an API request, read strictly: a member that is unknown, missing, of a wrong type or out
// of range makes the request bad, and the first such complaint is the answer.
//
//   JsonBody body(request);
//   const auto name = body.text("name");
//   const auto pin = body.optional_text("pin");
//   if (auto refused = body.finish()) return *refused;
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mcu/signaling/http.hpp"

namespace parley::signaling {

class JsonBody {
 public:
  explicit JsonBody(const Request& request);  // an empty body is an empty object

  std::string text(std::string_view name);
  std::optional<std::string> optional_text(std::string_view name);
  double number(std::string_view name);
  std::optional<double> optional_number(std::string_view name);
  std::optional<std::int64_t> optional_integer(std::string_view name);
  std::int64_t integer(std::string_view name);
  std::optional<bool> optional_boolean(std::string_view name);
  std::vector<std::string> texts(std::string_view name, std::size_t max);

  // After the last member has been asked for.
  std::optional<Response> finish();

 private:
  const boost::json::value* find(std::string_view name);
  void complain(std::string_view name, std::string_view what);
  template <typename T>
  T required(std::string_view name, std::optional<T> value);

  boost::json::object object_;
  std::set<std::string, std::less<>> known_;
  std::optional<Response> refused_;
};

}  // namespace parley::signaling
