#include "mcu/signaling/json_body.hpp"

#include <boost/json/value.hpp>

#include "mcu/signaling/problem.hpp"
#include "transport/protocol/json_text.hpp"

namespace parley::signaling {
namespace {

constexpr std::size_t kMaxDepth = 8;

}  // namespace

JsonBody::JsonBody(const Request& request) {
  if (request.body.empty()) return;
  if (request.content_type() != "application/json") {
    refused_ = problem(415, "bad-message", "the body must be application/json");
    return;
  }
  auto read = protocol::read_object(request.body, request.body.size(), kMaxDepth);
  if (read.wrong) refused_ = problem(400, "bad-message", "the body " + *read.wrong);
  object_ = std::move(read.object);
}

void JsonBody::complain(std::string_view name, std::string_view what) {
  if (!refused_) refused_ = problem(400, "bad-value", std::string(name) + " " + std::string(what));
}

const boost::json::value* JsonBody::find(std::string_view name) {
  known_.emplace(name);
  return object_.if_contains(name);
}

template <typename T>
T JsonBody::required(std::string_view name, std::optional<T> value) {
  if (!value) complain(name, "is missing");
  return value.value_or(T{});
}

std::optional<std::string> JsonBody::optional_text(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::string(value->get_string());
  complain(name, "must be a text");
  return std::nullopt;
}
std::string JsonBody::text(std::string_view name) {
  return required(name, optional_text(name));
}

std::optional<double> JsonBody::optional_number(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_double()) return value->get_double();
  if (value->is_int64()) return static_cast<double>(value->get_int64());
  complain(name, "must be a number");
  return std::nullopt;
}
double JsonBody::number(std::string_view name) {
  return required(name, optional_number(name));
}

std::optional<std::int64_t> JsonBody::optional_integer(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  complain(name, "must be a whole number");
  return std::nullopt;
}
std::int64_t JsonBody::integer(std::string_view name) {
  return required(name, optional_integer(name));
}

std::optional<bool> JsonBody::optional_boolean(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  complain(name, "must be true or false");
  return std::nullopt;
}

std::vector<std::string> JsonBody::texts(std::string_view name, std::size_t max) {
  std::vector<std::string> all;
  const auto* value = find(name);
  if (value == nullptr) {
    complain(name, "is missing");
    return all;
  }
  if (!value->is_array() || value->get_array().size() > max) {
    complain(name, "must be a list of at most " + std::to_string(max) + " texts");
    return all;
  }
  for (const auto& one : value->get_array()) {
    if (one.is_string())
      all.emplace_back(one.get_string());
    else
      complain(name, "must be a list of texts");
  }
  return all;
}

std::optional<Response> JsonBody::finish() {
  for (const auto& [name, value] : object_)
    if (!known_.contains(name)) complain(name, "is no member of this request");
  return refused_;
}

}  // namespace parley::signaling
