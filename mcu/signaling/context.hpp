// What every connection and every handler of the server shares. Private to mcu/signaling; owned by ctl.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <memory>
#include <unordered_set>

#include "mcu/room/rate_limiter.hpp"
#include "mcu/room/room_service.hpp"
#include "mcu/signaling/event_hub.hpp"
#include "mcu/signaling/gate.hpp"
#include "mcu/signaling/router.hpp"
#include "mcu/signaling/server.hpp"
#include "mcu/signaling/settings.hpp"
#include "mcu/signaling/tls.hpp"
#include "transport/net/tls_stream.hpp"

namespace parley::signaling {

namespace asio = boost::asio;
namespace beast = boost::beast;
using net::Stream;

// An open connection, of either kind.
class Connection {
 public:
  virtual ~Connection() = default;
  // Ends when what is under way has been sent.
  virtual void stop() = 0;
};

struct Context {
  Context(const SignalingSettings& s, room::RoomService& r, EventHub& h, Ports p)
      : settings(s),
        gate(s),
        rooms(r),
        hub(h),
        ports(std::move(p)),
        requests(s.requests_per_second_per_address, s.requests_per_second_per_address * 4) {}

  SignalingSettings settings;
  Gate gate;
  TlsContext tls;  // empty: plain HTTP only
  room::RoomService& rooms;
  EventHub& hub;
  Ports ports;
  Router router;
  ServerStats stats;
  bool stopping = false;
  std::unordered_set<Connection*> open;
  std::map<IpAddress, std::size_t> by_address;  // connections of each subscriber
  room::AddressLimiter requests;
};

// A place among the connections the server may have; given back when the last holder goes.
class ConnectionSlot {
 public:
  // Nothing when the server, or this address, has as many as it may.
  static std::shared_ptr<ConnectionSlot> take(const std::shared_ptr<Context>& context, const Address& remote);
  ConnectionSlot(std::shared_ptr<Context> context, const Address& remote);
  ~ConnectionSlot();
  ConnectionSlot(const ConnectionSlot&) = delete;
  ConnectionSlot& operator=(const ConnectionSlot&) = delete;

  const Address& remote() const { return remote_; }

 private:
  std::shared_ptr<Context> context_;
  Address remote_;
};

}  // namespace parley::signaling
