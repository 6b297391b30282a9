// A server for the client's tests: real WebSocket, real legs, scripted behaviour. It sends every packet back
// to who sent it, so a client hears itself.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/url.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/leg/leg_server.hpp"
#include "transport/protocol/messages.hpp"

namespace parley::client::testing_support {

class FakeMcu final : private LegServerEvents {
 public:
  struct Behaviour {
    bool answers_join = true;
    bool has_media = true;                     // false: the answer names a leg that is not there
    std::optional<protocol::Failure> refusal;  // of the join
    std::string raw_answer;                    // instead of `joined`
    std::string ip = "127.0.0.1";              // where it listens
  };

  FakeMcu() : FakeMcu(Behaviour()) {}
  explicit FakeMcu(Behaviour behaviour);
  ~FakeMcu() override;
  FakeMcu(const FakeMcu&) = delete;
  FakeMcu& operator=(const FakeMcu&) = delete;

  ServerUrl url() const;
  // To the one client that has joined.
  void send(protocol::ServerBody event);
  void send_text(std::string text);
  void drop_signalling();  // as if the server had died
  void drop_media();       // the leg is removed with a goodbye

  // Waits until a request of this type has come; none if it does not within 5 s.
  template <typename T>
  std::optional<T> wait_for(std::size_t how_many = 1) {  // the last of them
    std::unique_lock lock(mutex_);
    std::optional<T> found;
    const bool all = changed_.wait_for(lock, std::chrono::seconds(5), [&] {
      std::size_t seen = 0;
      for (const auto& request : requests_)
        if (const auto* wanted = std::get_if<T>(&request.body)) {
          found = *wanted;
          ++seen;
        }
      return seen >= how_many;
    });
    return all ? found : std::nullopt;
  }
  bool wait_for_end();  // of the leg
  std::optional<LegEnd> leg_end();
  std::uint64_t packets() const { return packets_.load(); }
  std::uint8_t last_level() const { return last_level_.load(); }

 private:
  class Peer;
  void accept();
  void take(const std::shared_ptr<Peer>& peer, std::string_view text);
  void answer_join(const std::shared_ptr<Peer>& peer, const protocol::ClientMessage& message);

  void on_connected(LegId leg, const Address& remote) noexcept override;
  void on_media(LegId leg, std::uint32_t route, const MediaPacket& packet) noexcept override;
  void on_end(LegId leg, LegEnd end) noexcept override;
  void on_traffic(LegId leg, std::uint32_t route, const LegTraffic& traffic) noexcept override;

  const Behaviour behaviour_;
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  std::unique_ptr<dtls::Identity> identity_;
  std::unique_ptr<LegServer> legs_;
  std::shared_ptr<Peer> peer_;  // the server thread's
  std::uint32_t next_leg_ = 1;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<protocol::ClientMessage> requests_;  // guarded by mutex_
  std::optional<LegEnd> leg_end_;                  // guarded by mutex_
  std::atomic<std::uint64_t> packets_{0};
  std::atomic<std::uint8_t> last_level_{0xff};
  std::atomic<std::uint32_t> leg_{0};
  std::thread server_thread_, net_thread_;
};

}  // namespace parley::client::testing_support
