// A candidate pair of a check list (RFC 8445 section 6.1.2), known by its remote address, and its
// connectivity check.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "transport/base/address.hpp"
#include "transport/base/time.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley::ice {

struct CandidatePair {
  enum class State : std::uint8_t { waiting, in_progress, succeeded, failed };

  // A request sent, which a response may still answer.
  struct Request {
    stun::TransactionId id{};
    TimePoint sent{};
    bool controlling = false;
    bool use_candidate = false;
    bool open = false;
  };

  Address remote;
  std::uint32_t priority = 0;  // the remote candidate's: with one local candidate it orders the pairs
  State state = State::waiting;
  bool triggered = false;            // a check is due before all ordinary ones (section 7.3.1.4)
  bool nominate = false;             // controlling: the next check carries USE-CANDIDATE
  bool nominate_on_success = false;  // controlled: the peer's USE-CANDIDATE came before our check was through
  bool heard = false;                // an authenticated request or response came from there
  unsigned tries = 0;
  Duration retransmission{};
  TimePoint due = TimePoint::max();  // in progress: of the next try; failed: of the next check
  std::optional<TimePoint> answered;

  const Request& current() const { return requests_[newest_]; }
  void add(const Request& request) {
    newest_ = (newest_ + 1) % requests_.size();
    requests_[newest_] = request;
  }
  // Consent checks follow each other faster than a slow path answers, so the last few are remembered. A
  // request is answered once.
  std::optional<Request> take(const stun::TransactionId& id) {
    const auto found = std::find_if(requests_.begin(), requests_.end(),
                                    [&](const Request& request) { return request.open && request.id == id; });
    if (found == requests_.end()) return std::nullopt;
    const Request request = *found;
    found->open = false;
    return request;
  }

 private:
  std::array<Request, 8> requests_{};
  std::size_t newest_ = 0;
};

}  // namespace parley::ice
