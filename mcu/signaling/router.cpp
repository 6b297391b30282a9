#include "mcu/signaling/router.hpp"

#include <boost/beast/http/verb.hpp>

#include "transport/base/check.hpp"

namespace parley::signaling {
namespace {

std::vector<std::string> parse_pattern(std::string_view pattern) {
  PARLEY_ASSERT(!pattern.empty() && pattern.front() == '/');
  std::vector<std::string> segments;
  for (std::size_t begin = 1; begin < pattern.size();) {
    const auto end = std::min(pattern.find('/', begin), pattern.size());
    segments.emplace_back(pattern.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

bool is_variable(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (is_variable(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return false;
  return true;
}

}  // namespace

void Router::add(http::verb method, std::string_view pattern, Policy policy, Handler handler) {
  add(method, pattern, policy,
      AsyncHandler(
          [handler = std::move(handler)](const Request& request, Reply reply) { reply(handler(request)); }));
}
void Router::add(http::verb method, std::string_view pattern, Policy policy, AsyncHandler handler) {
  routes_.push_back({method, parse_pattern(pattern), policy, std::move(handler)});
}

Router::Match Router::find(http::verb method, const std::vector<std::string>& path) const {
  const auto wanted = method == http::verb::head ? http::verb::get : method;
  Match match;
  for (const auto& route : routes_) {
    if (!matches(route.pattern, path)) continue;
    const auto name = http::to_string(route.method);
    match.allow.append(match.allow.empty() ? "" : ", ").append(name.data(), name.size());
    if (route.method == http::verb::get) match.allow += ", HEAD";
    if (route.method != wanted || match.route != nullptr) continue;
    match.route = &route;
    for (std::size_t i = 0; i < path.size(); ++i) {
      const auto& segment = route.pattern[i];
      if (is_variable(segment)) match.variables[segment.substr(1, segment.size() - 2)] = path[i];
    }
  }
  if (!match.allow.empty()) match.allow += ", OPTIONS";
  return match;
}

}  // namespace parley::signaling
