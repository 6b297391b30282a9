// One HTTP request to the server, waiting for the answer. For commands that make a call or two and end.
#pragma once

#include <string>

#include "client/url.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";
  std::string bearer;   // empty: none
  std::string json;     // empty: no body
  std::string range{};  // of the answer, "bytes=0-99"; empty: all of it
};
struct HttpResponse {
  int status = 0;
  std::string body;  // at most 8 MiB
};

// Error: the server did not answer in time, or not in HTTP.
Result<HttpResponse> http_call(const ServerUrl& server, const HttpRequest& request, Duration timeout = 5s);

// The sentence in a problem document (RFC 9457: `detail`, else `title`), or "HTTP <status>".
std::string problem_of(const HttpResponse& response);

}  // namespace parley::client
