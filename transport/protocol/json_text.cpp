#include "transport/protocol/json_text.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>

namespace parley::protocol {

namespace json = boost::json;

namespace {

// Builds the value and counts the keys: an object keeps one value per key, so a duplicate shows in the sum.
class Builder {
 public:
  using error_code = json::error_code;
  using string_view = json::string_view;
  static constexpr std::size_t max_object_size = 10'000;
  static constexpr std::size_t max_array_size = 10'000;
  static constexpr std::size_t max_key_size = 256;
  static constexpr std::size_t max_string_size = 1024 * 1024;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t n, error_code&) {
    stack_.push_object(n);
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code&) {
    stack_.push_array(n);
    return true;
  }
  bool on_key_part(string_view s, std::size_t, error_code&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_key(string_view s, std::size_t, error_code&) {
    ++keys_;
    stack_.push_key(s);
    return true;
  }
  bool on_string_part(string_view s, std::size_t, error_code&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_string(string_view s, std::size_t, error_code&) {
    stack_.push_string(s);
    return true;
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t i, string_view, error_code&) {
    stack_.push_int64(i);
    return true;
  }
  bool on_uint64(std::uint64_t u, string_view, error_code&) {
    stack_.push_uint64(u);
    return true;
  }
  bool on_double(double d, string_view, error_code&) {
    stack_.push_double(d);
    return true;
  }
  bool on_bool(bool b, error_code&) {
    stack_.push_bool(b);
    return true;
  }
  bool on_null(error_code&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

  void begin() { stack_.reset(); }
  json::value release() { return stack_.release(); }
  std::size_t keys() const { return keys_; }

 private:
  json::value_stack stack_;
  std::size_t keys_ = 0;
};

std::size_t count_members(const json::value& value) {
  std::size_t count = 0;
  if (const auto* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) count += count_members(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) count += count_members(element);
  }
  return count;
}

}  // namespace

ReadObject read_object(std::string_view text, std::size_t max_bytes, std::size_t max_depth) {
  const auto wrong = [](std::string what) { return ReadObject{{}, std::move(what)}; };
  if (text.size() > max_bytes) return wrong("is longer than " + std::to_string(max_bytes) + " bytes");
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Builder> parser(options);
  parser.handler().begin();
  json::error_code error;
  const auto taken = parser.write_some(false, text.data(), text.size(), error);
  if (error == json::error::too_deep) return wrong("is nested deeper than " + std::to_string(max_depth));
  if (error) return wrong("is not valid JSON: " + error.message());
  if (taken < text.size()) return wrong("is not valid JSON: text behind the end");
  auto value = parser.handler().release();
  if (!value.is_object()) return wrong("is not a JSON object");
  if (count_members(value) != parser.handler().keys()) return wrong("has a key twice in one object");
  return {std::move(value.get_object()), std::nullopt};
}

}  // namespace parley::protocol
