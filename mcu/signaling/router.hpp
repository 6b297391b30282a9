// The table of routes. Each feature adds its own (routes_*.cpp); the sessions only ask.
//
// A pattern is a path whose segments may be variables: "/api/v1/rooms/{room}/lock". It matches decoded
// segments, so a variable never holds a '/' that the client did not encode; what a variable may hold is the
// handler's to check.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mcu/signaling/http.hpp"
#include "mcu/signaling/reply.hpp"

namespace parley::signaling {

// Who may call a route.
enum class Access {
  open,       // anybody; the handler checks what it must
  moderator,  // the admin key, or a token of role moderator for the room in {room}
  admin,      // the admin key
};

// What kind of body a route takes, and so how large it may be (limits.*).
enum class Body { none, sdp, json };

struct Policy {
  Access access = Access::admin;
  Body body = Body::none;
};

using Handler = std::function<Response(const Request&)>;
using AsyncHandler = std::function<void(const Request&, Reply)>;

struct Route {
  http::verb method;
  std::vector<std::string> pattern;
  Policy policy;
  AsyncHandler handler;
};

class Router {
 public:
  void add(http::verb method, std::string_view pattern, Policy policy, Handler handler);
  void add(http::verb method, std::string_view pattern, Policy policy, AsyncHandler handler);

  struct Match {
    const Route* route = nullptr;  // null: no such path, or not with this method
    std::string allow;             // methods of this path, empty: no such path
    std::map<std::string, std::string> variables;
  };
  // HEAD finds the GET route.
  Match find(http::verb method, const std::vector<std::string>& path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace parley::signaling
