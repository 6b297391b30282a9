// Requests and responses as handlers see them: decoded, checked, without Beast's parsers.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/base/address.hpp"
#include "transport/base/time.hpp"

namespace parley::signaling {

namespace http = boost::beast::http;

struct Request {
  http::verb method = http::verb::get;
  std::vector<std::string> path;                 // percent-decoded segments: "/api/v1" is {"api", "v1"}
  std::map<std::string, std::string> query;      // decoded; a name given twice is refused before it gets here
  std::map<std::string, std::string> variables;  // what the route's pattern captured
  http::fields headers;
  std::string body;
  Address remote;

  std::string header(http::field name) const { return std::string(headers[name]); }
  const std::string& variable(const std::string& name) const { return variables.at(name); }
  std::string query_value(const std::string& name) const;
  std::string content_type() const;                 // lower case, without parameters
  bool accepts(std::string_view media_type) const;  // by the Accept header, RFC 9110 section 12.5.1
  std::string bearer() const;                       // of Authorization, or empty
};

// A body that is fetched part by part while it is sent. On ctl.
struct BodySource {
  using Part = std::function<void(std::optional<std::string>)>;  // nothing: it cannot be read
  std::uint64_t size = 0;
  // From `at` on, one call at a time, in order. `done` is called once, on ctl.
  std::function<void(std::uint64_t at, std::size_t max, Part done)> read;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type;
  std::string body;
  std::shared_ptr<BodySource> source;            // in place of `body`
  std::uint64_t source_at = 0, source_size = 0;  // the part of it that is sent

  Response& with(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

inline Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

// Fills in path and query. False where the target has more than one reading or tries to leave the tree: bad
// percent-encoding, control characters, "." and ".." (encoded or not), a query parameter given twice.
bool parse_target(std::string_view target, Request& request);

// A text as one segment of a path (RFC 3986 section 3.3): parse_target gives it back.
std::string encode_segment(std::string_view text);

bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII
std::string http_date(std::time_t time);                           // RFC 9110 section 5.6.7

}  // namespace parley::signaling
