#include "mcu/signaling/problem.hpp"

#include <boost/beast/http/status.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace parley::signaling {

Response problem(int status, std::string_view code, std::string_view detail) {
  const auto title = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body =
      boost::json::serialize(boost::json::object{{"type", "about:blank"},
                                                 {"title", std::string_view(title.data(), title.size())},
                                                 {"status", status},
                                                 {"detail", detail},
                                                 {"code", code}});
  if (status == 401) response.with("WWW-Authenticate", "Bearer realm=\"parley\"");
  if (status == 429) response.with("Retry-After", "1");
  return response;
}

Response problem(const Error& refusal) {
  const auto code = room::refusal_code(refusal);
  return problem(room::http_status(code), room::text(code), refusal.what);
}

Response done_or_problem(const Status& status) {
  if (!status) return problem(status.error());
  Response response;
  response.status = 204;
  return response;
}

}  // namespace parley::signaling
