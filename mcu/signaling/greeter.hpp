// A connection before its first request, on a server that has a certificate: finds out whether the peer
// speaks TLS (both kinds come to one port), shakes hands, and hands over to an HttpSession.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <optional>

#include "mcu/signaling/context.hpp"

namespace parley::signaling {

class Greeter final : public Connection, public std::enable_shared_from_this<Greeter> {
 public:
  Greeter(beast::tcp_stream tcp, std::shared_ptr<Context> context, std::shared_ptr<ConnectionSlot> slot);
  ~Greeter() override;
  void start();
  void stop() override;

 private:
  void shake_hands();

  std::optional<beast::tcp_stream> tcp_;
  std::optional<Stream::Tls> tls_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<ConnectionSlot> slot_;
  beast::flat_buffer buffer_;
};

}  // namespace parley::signaling
