#include "mcu/signaling/reply.hpp"

#include <utility>

#include "mcu/signaling/problem.hpp"

namespace parley::signaling {

struct Reply::Once {
  explicit Once(std::function<void(Response)> on_answer) : send(std::move(on_answer)) {}
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;
  ~Once() {
    if (send) send(problem(503, "unavailable", "the server could not answer this"));
  }
  std::function<void(Response)> send;  // empty: answered
};

Reply::Reply(std::function<void(Response)> send) : once_(std::make_shared<Once>(std::move(send))) {}

void Reply::operator()(Response response) const {
  if (const auto send = std::exchange(once_->send, nullptr)) send(std::move(response));
}

}  // namespace parley::signaling
