#include "mcu/signaling/server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "mcu/signaling/context.hpp"
#include "mcu/signaling/greeter.hpp"
#include "mcu/signaling/http_session.hpp"
#include "mcu/signaling/routes.hpp"
#include "transport/base/log.hpp"

namespace parley::signaling {
namespace {

using asio::ip::tcp;

constexpr Duration kPauseWithoutDescriptors = 100ms;

tcp::endpoint to_endpoint(const Address& address) {
  if (address.ip.is_v4()) return {asio::ip::address_v4(address.ip.v4_value()), address.port};
  return {asio::ip::address_v6(address.ip.bytes()), address.port};
}

Result<TlsContext> tls_of(const SignalingSettings& settings) {
  if (settings.tls_certificate.empty()) return TlsContext();
  return make_tls_context(settings.tls_certificate, settings.tls_key);
}

Address to_address(const tcp::endpoint& endpoint) {
  return Address::from_sockaddr(endpoint.data()).value_or(Address{});
}

}  // namespace

class Server::Impl {
 public:
  Impl(asio::io_context& io, std::shared_ptr<Context> context)
      : context_(std::move(context)), acceptor_(io), pause_(io) {}

  Status listen(const Address& address) {
    const auto endpoint = to_endpoint(address);
    beast::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return Error{address.to_string() + ": " + error.message(), error.value()};
    local_ = to_address(acceptor_.local_endpoint());
    accept();
    return Done{};
  }

  // Both hold only `this` while the acceptor is open; closing it in the destructor ends them unheard.
  void accept() {
    acceptor_.async_accept(
        [this, alive = std::weak_ptr(alive_)](beast::error_code error, tcp::socket socket) {
          if (alive.expired() || error == asio::error::operation_aborted) return;
          if (error) {
            log::warn("accepting a connection: {}", error.message());
            return accept_after_a_pause();
          }
          welcome(std::move(socket));
          accept();
        });
  }

  void accept_after_a_pause() {
    pause_.expires_after(kPauseWithoutDescriptors);
    pause_.async_wait([this, alive = std::weak_ptr(alive_)](beast::error_code error) {
      if (!alive.expired() && !error) accept();
    });
  }

  void welcome(tcp::socket socket) {
    beast::error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) return;
    auto slot = ConnectionSlot::take(context_, to_address(remote));
    if (!slot) return;
    socket.set_option(tcp::no_delay(true), error);
    beast::tcp_stream tcp(std::move(socket));
    if (context_->tls)
      std::make_shared<Greeter>(std::move(tcp), context_, std::move(slot))->start();
    else
      std::make_shared<HttpSession>(Stream(std::move(tcp)), context_, std::move(slot), beast::flat_buffer())
          ->start();
  }

  void stop() {
    context_->stopping = true;
    beast::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    const std::vector<Connection*> open(context_->open.begin(), context_->open.end());
    for (auto* connection : open) connection->stop();
  }

  std::shared_ptr<Context> context_;
  Address local_;

 private:
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
};

Result<std::unique_ptr<Server>> Server::open(asio::io_context& io, const SignalingSettings& settings,
                                             room::RoomService& rooms, EventHub& hub, Ports ports) {
  if (auto checked = Gate::check(settings); !checked) return checked.error();
  auto context = std::make_shared<Context>(settings, rooms, hub, std::move(ports));
  if (auto tls = tls_of(settings); tls)
    context->tls = *tls;
  else
    return tls.error();
  add_all_routes(*context);
  auto impl = std::make_unique<Impl>(io, std::move(context));
  if (auto listening = impl->listen(settings.listen); !listening) return listening.error();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Address Server::local() const {
  return impl_->local_;
}

Status Server::reload(const SignalingSettings& settings) {
  auto wanted = settings;
  wanted.listen = impl_->context_->settings.listen;
  if (auto checked = Gate::check(wanted); !checked) return checked;
  // A certificate that was renewed under the same name is read again; self-made ones stay what they are.
  const auto& running = impl_->context_->settings;
  const bool same = wanted.tls_certificate == kSelfSigned && running.tls_certificate == kSelfSigned;
  if (!same) {
    auto tls = tls_of(wanted);
    if (!tls) return tls.error();
    impl_->context_->tls = std::move(*tls);
  }
  impl_->context_->settings = wanted;
  impl_->context_->gate = Gate(wanted);
  return Done{};
}

void Server::stop() {
  impl_->stop();
}

ServerStats Server::stats() const {
  return impl_->context_->stats;
}

}  // namespace parley::signaling
