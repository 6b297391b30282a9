// What one WebSocket client says and what it is answered: docs/protocol.md without the socket.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcu/room/rate_limiter.hpp"
#include "mcu/room/room_service.hpp"
#include "mcu/signaling/context.hpp"
#include "mcu/signaling/gate.hpp"
#include "transport/protocol/messages.hpp"

namespace parley::signaling {

class Conversation {
 public:
  // `is_private`: nobody on the way can read or change what is said (TLS, or this very host).
  Conversation(Context& context, std::string remote_ip, bool is_private);
  void begin(room::ConnectionId connection) { connection_ = connection; }

  struct Answer {
    std::string text;
    bool then_close = false;  // the client asked to leave
    bool is_abuse = false;    // nothing but noise comes: the connection is not worth keeping
  };
  Answer take(const Moment& now, std::string_view text);
  Answer refuse_binary();
  // A binary frame is a packet of the participant's media, once that has been granted. False: it has not.
  bool take_packet(const Moment& now, Bytes packet);
  // Another kind of frame (ping, pong): false when they come too fast to be meant well.
  bool take_control(const Moment& now) { return messages_.take(now.steady); }

 private:
  struct Handler;
  Status may_carry() const;
  Answer refused(std::optional<protocol::RequestId> id, protocol::Failure failure);

  Context& context_;
  std::string remote_ip_;
  room::ConnectionId connection_ = room::ConnectionId::none;
  room::ParticipantId participant_;  // empty: not joined
  std::string room_;
  const bool private_;
  LegId leg_ = LegId::none;  // of the last join
  bool carries_ = false;     // that leg's media
  room::TokenBucket packets_;
  room::TokenBucket messages_;
  room::TokenBucket quality_;
  room::TokenBucket chat_;  // each line goes to everybody in the room
  unsigned bad_in_a_row_ = 0, too_many_in_a_row_ = 0;
};

}  // namespace parley::signaling
