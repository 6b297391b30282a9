// The right to answer one request. Copies share it; the first answer counts. When the last copy goes without
// an answer the peer gets 503, so that no request hangs because something in between went away.
#pragma once

#include <functional>
#include <memory>

#include "mcu/signaling/http.hpp"

namespace parley::signaling {

class Reply {
 public:
  explicit Reply(std::function<void(Response)> send);
  void operator()(Response response) const;

 private:
  struct Once;
  std::shared_ptr<Once> once_;
};

}  // namespace parley::signaling
