#include "client/nat_kind.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "client/host_addresses.hpp"
#include "client/mapping_probe.hpp"
#include "transport/net/poller.hpp"
#include "transport/net/udp_socket.hpp"

namespace parley::client {

namespace {

using ice::PortMapping;

constexpr int kTries = 3;
constexpr Duration kPatience = 300ms;  // with each try

// One socket that puts questions.
class Asker {
 public:
  struct Answer {
    Address mapped;
    std::optional<Address> other;
  };

  static Result<std::unique_ptr<Asker>> open(bool v4) {
    auto socket = net::UdpSocket::open({v4 ? IpAddress::v4(0) : IpAddress::v6({}), 0});
    if (!socket) return socket.error();
    return std::unique_ptr<Asker>(new Asker(std::move(socket).value()));
  }

  // The answer must come from `from`.
  std::optional<Answer> ask(const Address& to, const Address& from, bool change_port = false) {
    const auto id = stun::random_transaction_id();
    std::optional<Answer> answer;
    for (int i = 0; i < kTries && !answer; ++i) {
      stun::StunBuilder request(stun::Class::request, id);
      if (change_port) request.change_request({false, true});
      write_binding_request(request);
      socket_->queue(to, std::nullopt, request.bytes());
      socket_->flush();
      for (const TimePoint end = now() + kPatience; !answer && now() < end;) {
        poller_.wait(end - now());
        socket_->receive([&](const net::Datagram& datagram) {
          const auto message = stun::StunMessage::parse(datagram.data);
          if (!message || datagram.from != from || message->transaction_id() != id) return;
          const auto mapped = message->xor_mapped_address();
          if (message->is_binding(stun::Class::success) && mapped)
            answer = Answer{*mapped, message->other_address()};
        });
      }
    }
    return answer;
  }
  std::uint16_t port() const { return socket_->local().port; }

 private:
  explicit Asker(std::unique_ptr<net::UdpSocket> socket) : socket_(std::move(socket)) {
    poller_.add(socket_->fd());
  }
  std::unique_ptr<net::UdpSocket> socket_;
  net::Poller poller_;
};

bool is_ours(const Address& mapped, std::uint16_t port) {
  const auto ours = host_addresses(mapped.ip.is_v4());
  const bool known = mapped.ip.is_loopback() || std::find(ours.begin(), ours.end(), mapped.ip) != ours.end();
  return known && mapped.port == port;
}

}  // namespace

Result<NatFacts> find_nat(const Address& server) {
  auto asker = Asker::open(server.ip.is_v4());
  if (!asker) return asker.error();
  const auto first = (*asker)->ask(server, server);
  if (!first) return Error{"no STUN answer from " + server.to_string()};
  NatFacts facts;
  facts.is_nat = !is_ours(first->mapped, (*asker)->port());
  if (!first->other) return facts;
  // The IP address that we have reached counts: the server may be behind a NAT and not know it.
  const Address second{server.ip, first->other->port};
  facts.second = second;
  // From a socket that has never spoken to the second port.
  auto stranger = Asker::open(server.ip.is_v4());
  if (!stranger) return stranger.error();
  const bool let_in = (*stranger)->ask(server, second, true).has_value();
  const auto other = (*asker)->ask(second, second);
  if (other) {
    facts.mapping = other->mapped == first->mapped ? PortMapping::constant : PortMapping::varying;
    facts.port_step = other->mapped.port - first->mapped.port;
  }
  // Where the second port is heard in neither way, it is the server that cannot be reached there.
  if (let_in) facts.filter = NatFacts::Filter::none_by_port;
  if (!let_in && other) facts.filter = NatFacts::Filter::by_port;
  return facts;
}

NatWords describe(const NatFacts& facts) {
  using Filter = NatFacts::Filter;
  const std::string everybody = "direct calls will work with everybody whose UDP is not blocked";
  const std::string most =
      "direct calls will work with everybody but those behind a symmetric NAT whose ports are drawn at "
      "random, "
      "and with most of these, too";
  const std::string through_server = "; where they do not work, calls go through the server";
  if (facts.mapping == PortMapping::varying) {
    const bool counts = std::abs(facts.port_step) <= static_cast<int>(ice::PortProber::kPredictions / 2);
    return {counts ? "symmetric NAT, whose ports count upwards"
                   : "symmetric NAT, whose ports are drawn at random",
            std::string("direct calls will work with people without a NAT or behind a full-cone or "
                        "address-restricted one, ") +
                (counts ? "and in nearly all cases behind a port-restricted one"
                        : "and mostly behind a port-restricted one") +
                ", but not with others behind a symmetric NAT" + through_server,
            true};
  }
  if (facts.mapping == PortMapping::unknown || facts.filter == Filter::unknown) {
    const std::string why =
        !facts.second ? "the server has no second port to ask at (media.second_listen)"
                      : "the server's second port " + facts.second->to_string() + " does not answer";
    return {
        std::string(facts.is_nat ? "there is a NAT" : "no NAT") + "; what it lets in cannot be told: " + why,
        facts.is_nat ? "direct calls will work unless it is a symmetric NAT at both ends" + through_server
                     : most + through_server,
        false};
  }
  if (facts.filter == Filter::none_by_port)
    return {facts.is_nat ? "full-cone or address-restricted NAT" : "no NAT, and no filter by port", everybody,
            true};
  return {facts.is_nat ? "port-restricted NAT" : "no NAT, but a firewall that lets in only who was spoken to",
          most + through_server, true};
}

}  // namespace parley::client
