#include "client/stun_probe.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/endpoint.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley::client {

namespace {

namespace asio = boost::asio;
using udp = asio::ip::udp;
using ErrorCode = boost::system::error_code;

constexpr int kTries = 5;
constexpr auto kSpacing = std::chrono::milliseconds(100);

class Probe {
 public:
  explicit Probe(const Address& server) : server_(to_endpoint(server)), socket_(context_), timer_(context_) {}

  Result<StunAnswer> run(Duration timeout) {
    ErrorCode error;
    socket_.open(server_.protocol(), error);
    if (!error) socket_.connect(server_, error);
    if (error) return Error{"no UDP to " + from_endpoint(server_).to_string() + ": " + error.message()};
    answer_.local = from_endpoint(socket_.local_endpoint());
    receive();
    ask();
    context_.run_for(timeout);
    if (answer_.answered == 0) return Error{"no STUN answer from " + from_endpoint(server_).to_string()};
    return answer_;
  }

 private:
  struct Request {
    stun::TransactionId id{};
    TimePoint sent{};
    bool answered = false;
  };

  void ask() {
    if (answer_.asked == kTries) return;
    auto& request = requests_[static_cast<std::size_t>(answer_.asked++)];
    request.id = stun::random_transaction_id();
    request.sent = now();
    stun::StunBuilder message(stun::Class::request, request.id);
    message.fingerprint();
    ErrorCode ignored;  // a refused datagram is one without an answer
    socket_.send(asio::buffer(message.bytes().data(), message.bytes().size()), 0, ignored);
    timer_.expires_after(kSpacing);
    timer_.async_wait([this](ErrorCode error) {
      if (!error) ask();
    });
  }

  void receive() {
    socket_.async_receive(asio::buffer(buffer_), [this](ErrorCode error, std::size_t size) {
      if (!error) take(Bytes(buffer_).first(size));
      if (error == asio::error::operation_aborted) return;
      if (answer_.answered == kTries) return context_.stop();
      receive();
    });
  }

  void take(Bytes datagram) {
    const auto message = stun::StunMessage::parse(datagram);
    if (!message || !message->is_binding(stun::Class::success)) return;
    const auto mapped = message->xor_mapped_address();
    const auto request = std::find_if(requests_.begin(), requests_.end(), [&](const Request& candidate) {
      return !candidate.answered && candidate.sent != TimePoint{} &&
             candidate.id == message->transaction_id();
    });
    if (!mapped || request == requests_.end()) return;
    request->answered = true;
    const Duration trip = now() - request->sent;
    answer_.round_trip = answer_.answered == 0 ? trip : std::min(answer_.round_trip, trip);
    answer_.mapped = *mapped;
    ++answer_.answered;
  }

  asio::io_context context_;
  udp::endpoint server_;
  udp::socket socket_;
  asio::steady_timer timer_;
  std::array<Request, kTries> requests_{};
  std::array<std::uint8_t, stun::kMaxMessage> buffer_{};
  StunAnswer answer_;
};

}  // namespace

Result<StunAnswer> probe_stun(const Address& server, Duration timeout) {
  return Probe(server).run(timeout);
}

}  // namespace parley::client
