#include "transport/protocol/messages.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "transport/protocol/json_text.hpp"
#include "transport/protocol/table.hpp"

namespace parley::protocol {

namespace json = boost::json;

namespace {

std::string shortest(double value) {
  return value == std::floor(value) ? std::to_string(static_cast<std::int64_t>(value))
                                    : std::to_string(value);
}

// Goes over a row's fields and fills them from an object. Stops at the first that is wrong.
class Reader {
 public:
  Reader(const json::object& object, std::string path) : object_(object), path_(std::move(path)) {}

  const std::string& wrong() const { return wrong_; }

  template <typename T, typename Rule>
  void field(std::string_view key, T& member, const Rule& rule) {
    const auto* value = find(key);
    if (value != nullptr) return take(key, *value, member, rule);
    if (wrong_.empty()) complain(key, "is missing");
  }
  template <typename T, typename Rule>
  void field(std::string_view key, std::optional<T>& member, const Rule& rule) {
    if (const auto* value = find(key)) take(key, *value, member.emplace(), rule);
  }
  template <typename T, typename Rule>
  void defaulted(std::string_view key, T& member, const Rule& rule) {
    if (const auto* value = find(key)) take(key, *value, member, rule);
  }

 private:
  const json::value* find(std::string_view key) const {
    return wrong_.empty() ? object_.if_contains({key.data(), key.size()}) : nullptr;
  }
  void complain(std::string_view key, const std::string& what) {
    wrong_ = path_ + std::string(key) + ": " + what;
  }

  void take(std::string_view key, const json::value& value, std::string& out, const Text& rule) {
    if (!value.is_string()) return complain(key, "must be a string");
    const auto& text = value.get_string();
    out.assign(text.data(), text.size());
    if (const auto wrong = rule.complain(out)) complain(key, *wrong);
  }
  void take(std::string_view key, const json::value& value, bool& out, const Boolean&) {
    if (!value.is_bool()) return complain(key, "must be true or false");
    out = value.get_bool();
  }
  template <typename T>
  void take(std::string_view key, const json::value& value, T& out, const Integer& rule) {
    const auto* positive = value.if_uint64();
    const auto* number = value.if_int64();
    const bool ok = positive != nullptr ? *positive <= rule.most
                                        : number != nullptr && *number >= 0 &&
                                              static_cast<std::uint64_t>(*number) <= rule.most;
    if (!ok) return complain(key, "must be a whole number from 0 to " + std::to_string(rule.most));
    out = static_cast<T>(positive != nullptr ? *positive : static_cast<std::uint64_t>(*number));
  }
  void take(std::string_view key, const json::value& value, double& out, const Number& rule) {
    json::error_code error;
    const double number = value.is_number() ? value.to_number<double>(error) : std::nan("");
    if (error || !(number >= rule.least && number <= rule.most))
      return complain(key, "must be a number from " + shortest(rule.least) + " to " + shortest(rule.most));
    out = number;
  }
  void take(std::string_view key, const json::value& value, std::string& out, const JsonObject&) {
    if (!value.is_object()) return complain(key, "must be an object");
    out = json::serialize(value);
    if (out.size() > kMaxReport) complain(key, "must have at most " + std::to_string(kMaxReport) + " bytes");
  }
  void take(std::string_view key, const json::value& value, Role& out, const RoleWord&) {
    if (value == "participant" || value == "moderator") {
      out = value == "moderator" ? Role::moderator : Role::participant;
    } else {
      complain(key, "must be \"participant\" or \"moderator\"");
    }
  }
  void take(std::string_view key, const json::value& value, Carrier& out, const CarrierWord&) {
    for (const Carrier one : {Carrier::udp, Carrier::websocket, Carrier::both}) {
      if (value != to_string(one)) continue;
      out = one;
      return;
    }
    complain(key, "must be \"udp\", \"websocket\" or \"both\"");
  }
  template <typename T>
  void take(std::string_view key, const json::value& value, T& out, const Object&) {
    if (!value.is_object()) return complain(key, "must be an object");
    Reader inner(value.get_object(), path_ + std::string(key) + ".");
    Row<T>::fields(inner, out);
    if (wrong_.empty()) wrong_ = inner.wrong();
  }
  template <typename T, typename Rule>
  void take(std::string_view key, const json::value& value, std::vector<T>& out, const ListOf<Rule>& rule) {
    if (!value.is_array()) return complain(key, "must be a list");
    const auto& array = value.get_array();
    if (array.size() > rule.most)
      return complain(key, "must have at most " + std::to_string(rule.most) + " entries");
    for (const auto& element : array) {
      take(key, element, out.emplace_back(), rule.rule);
      if (!wrong_.empty()) return;
    }
  }
  template <typename T, typename Rule>
  void take(std::string_view key, const json::value& value, std::map<std::string, T>& out,
            const MapOf<Rule>& rule) {
    if (!value.is_object()) return complain(key, "must be an object");
    for (const auto& member : value.get_object()) {
      const std::string name(member.key().data(), member.key().size());
      if (const auto wrong = kId.complain(name)) return complain(key, "each key " + *wrong);
      take(key, member.value(), out[name], rule.rule);
      if (!wrong_.empty()) return;
    }
  }

  const json::object& object_;
  std::string path_;
  std::string wrong_;
};

// Goes over a row's fields and puts them into an object.
class Writer {
 public:
  explicit Writer(json::object& object) : object_(object) {}

  template <typename T, typename Rule>
  void field(std::string_view key, const T& member, const Rule& rule) {
    object_[{key.data(), key.size()}] = value_of(member, rule);
  }
  template <typename T, typename Rule>
  void field(std::string_view key, const std::optional<T>& member, const Rule& rule) {
    if (member) field(key, *member, rule);
  }
  template <typename T, typename Rule>
  void defaulted(std::string_view key, const T& member, const Rule& rule) {
    field(key, member, rule);
  }

 private:
  static json::value value_of(const std::string& text, const Text&) {
    return json::string(well_formed_utf8(text));
  }
  static json::value value_of(bool value, const Boolean&) { return value; }
  template <typename T>
  static json::value value_of(T value, const Integer&) {
    return static_cast<std::uint64_t>(value);
  }
  static json::value value_of(double value, const Number&) {
    if (!std::isfinite(value)) return 0;
    if (value == std::floor(value) && std::abs(value) < 1e9) return static_cast<std::int64_t>(value);
    return value;
  }
  static json::value value_of(const std::string& text, const JsonObject&) {
    auto read = read_object(text, kMaxReport, kMaxDepth);
    return std::move(read.object);
  }
  static json::value value_of(Role role, const RoleWord&) {
    return role == Role::moderator ? "moderator" : "participant";
  }
  static json::value value_of(Carrier carrier, const CarrierWord&) { return to_string(carrier); }
  template <typename T>
  static json::value value_of(const T& inner, const Object&) {
    json::object object;
    Writer writer(object);
    Row<T>::fields(writer, inner);
    return object;
  }
  template <typename T, typename Rule>
  static json::value value_of(const std::vector<T>& list, const ListOf<Rule>& rule) {
    json::array array;
    array.reserve(list.size());
    for (const auto& element : list) array.push_back(value_of(element, rule.rule));
    return array;
  }
  template <typename T, typename Rule>
  static json::value value_of(const std::map<std::string, T>& map, const MapOf<Rule>& rule) {
    json::object object;
    for (const auto& [key, value] : map) object[well_formed_utf8(key)] = value_of(value, rule.rule);
    return object;
  }

  json::object& object_;
};

Refused refused(std::optional<RequestId> id, const char* code, std::string what) {
  return Refused{id, Failure{code, std::move(what), 400}};
}

std::optional<RequestId> read_id(const json::object& object) {
  const auto* value = object.if_contains("id");
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->if_int64(); number != nullptr && *number >= 0) {
    const auto id = static_cast<RequestId>(*number);
    if (id <= kMaxRequestId) return id;
  }
  return std::nullopt;
}

template <typename Variant, std::size_t... I>
bool emplace_by_type(std::string_view type, Variant& out, std::index_sequence<I...>) {
  return ((Row<std::variant_alternative_t<I, Variant>>::type == type && (out.template emplace<I>(), true)) ||
          ...);
}

// The body of a message, its fields filled in; or why not.
template <typename Variant>
struct ReadMessage {
  std::optional<RequestId> id;
  Variant body;
};
template <typename Variant>
std::variant<ReadMessage<Variant>, Refused> read_message(std::string_view text, std::size_t max_bytes) {
  auto read = read_object(text, max_bytes, kMaxDepth);
  if (read.wrong) return refused(std::nullopt, "bad-message", "The message " + *read.wrong + ".");
  const auto id = read_id(read.object);
  const auto* type = read.object.if_contains("type");
  if (type == nullptr || !type->is_string())
    return refused(id, "bad-message", "The message has no string `type`.");
  const std::string_view type_name(type->get_string().data(), type->get_string().size());
  ReadMessage<Variant> out;
  out.id = id;
  if (!emplace_by_type(type_name, out.body, std::make_index_sequence<std::variant_size_v<Variant>>{}))
    return refused(id, "unknown-type", "This type of message is not known.");
  Reader reader(read.object, std::string(type_name) + ": ");
  const auto id_rule = std::visit(
      [&reader](auto& body) {
        using R = Row<std::decay_t<decltype(body)>>;
        R::fields(reader, body);
        return R::id;
      },
      out.body);
  if (id_rule == IdRule::required && !id)
    return refused(id, "bad-value", std::string(type_name) + ": id: must be a whole number from 0 to 2^53-1");
  if (id_rule == IdRule::none) out.id.reset();
  if (!reader.wrong().empty()) return refused(id, "bad-value", reader.wrong());
  return out;
}

template <typename Variant>
std::string write_message(const std::optional<RequestId>& id, const Variant& body) {
  json::object object;
  std::visit(
      [&](const auto& fields) {
        using R = Row<std::decay_t<decltype(fields)>>;
        object["type"] = json::string_view(R::type.data(), R::type.size());
        if (id && R::id != IdRule::none) object["id"] = *id;
        Writer writer(object);
        R::fields(writer, fields);
      },
      body);
  return json::serialize(object);
}

template <typename Variant>
std::string_view type_name(const Variant& body) {
  return std::visit([](const auto& fields) { return Row<std::decay_t<decltype(fields)>>::type; }, body);
}

}  // namespace

std::variant<ClientMessage, Refused> parse_client_message(std::string_view text) {
  auto read = read_message<Request>(text, kMaxClientMessage);
  if (auto* why = std::get_if<Refused>(&read)) return std::move(*why);
  auto& message = std::get<0>(read);
  return ClientMessage{message.id.value_or(0), std::move(message.body)};
}

std::variant<ServerMessage, Refused> parse_server_message(std::string_view text) {
  auto read = read_message<ServerBody>(text, kMaxServerMessage);
  if (auto* why = std::get_if<Refused>(&read)) return std::move(*why);
  auto& message = std::get<0>(read);
  return ServerMessage{message.id, std::move(message.body)};
}

std::string to_json(const ClientMessage& message) {
  return write_message(std::optional(message.id), message.body);
}
std::string to_json(const ServerMessage& message) {
  return write_message(message.id, message.body);
}

std::string_view type_of(const Request& request) {
  return type_name(request);
}
std::string_view type_of(const ServerBody& body) {
  return type_name(body);
}

}  // namespace parley::protocol
