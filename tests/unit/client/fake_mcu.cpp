#include "fake_mcu.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>

#include "transport/base/thread_name.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/sdp/negotiate.hpp"

namespace parley::client::testing_support {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;

class FakeMcu::Peer : public std::enable_shared_from_this<Peer> {
 public:
  Peer(FakeMcu& owner, tcp::socket socket) : owner_(owner), socket_(std::move(socket)) {}

  void start() {
    socket_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (!error) self->read();
    });
  }
  void send(std::string text, bool then_close = false) {
    closing_ = closing_ || then_close;
    outgoing_.push_back(std::move(text));
    if (outgoing_.size() == 1) write();
  }
  void drop() { socket_.next_layer().close(); }

 private:
  void read() {
    socket_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error) return;
      const std::string text = beast::buffers_to_string(self->buffer_.data());
      self->buffer_.consume(self->buffer_.size());
      self->owner_.take(self, text);
      self->read();
    });
  }
  void write() {
    socket_.text(true);
    socket_.async_write(
        asio::buffer(outgoing_.front()), [self = shared_from_this()](beast::error_code error, std::size_t) {
          if (error) return;
          self->outgoing_.pop_front();
          if (!self->outgoing_.empty()) return self->write();
          if (self->closing_)
            self->socket_.async_close(websocket::close_code::normal, [self](beast::error_code) {});
        });
  }

  FakeMcu& owner_;
  websocket::stream<tcp::socket> socket_;
  beast::flat_buffer buffer_;
  std::deque<std::string> outgoing_;
  bool closing_ = false;
};

FakeMcu::FakeMcu(Behaviour behaviour)
    : behaviour_(std::move(behaviour)),
      acceptor_(context_, tcp::endpoint(asio::ip::make_address(behaviour_.ip), 0)) {
  identity_ = dtls::Identity::create().value();
  legs_ = LegServer::open({*IpAddress::parse(behaviour_.ip), 0}, *identity_, *this).value();
  accept();
  server_thread_ = std::thread([this] {
    name_this_thread("fake-ctl");
    context_.run();
  });
  net_thread_ = std::thread([this] {
    name_this_thread("fake-net");
    legs_->run();
  });
}

FakeMcu::~FakeMcu() {
  legs_->stop();
  net_thread_.join();
  context_.stop();
  server_thread_.join();
}

ServerUrl FakeMcu::url() const {
  return {behaviour_.ip, acceptor_.local_endpoint().port()};
}

void FakeMcu::accept() {
  acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
    if (error) return;
    std::make_shared<Peer>(*this, std::move(socket))->start();
    accept();
  });
}

void FakeMcu::take(const std::shared_ptr<Peer>& peer, std::string_view text) {
  const auto parsed = protocol::parse_client_message(text);
  const auto* message = std::get_if<protocol::ClientMessage>(&parsed);
  ASSERT_NE(message, nullptr) << text;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(*message);
  }
  changed_.notify_all();
  if (std::holds_alternative<protocol::Join>(message->body)) return answer_join(peer, *message);
  if (std::holds_alternative<protocol::SetCarrier>(message->body)) {
    const protocol::Failure no{"forbidden", "this server carries no media over the WebSocket", 403};
    return peer->send(protocol::to_json(protocol::ServerMessage{message->id, no}));
  }
  const bool leaves = std::holds_alternative<protocol::Leave>(message->body);
  peer->send(protocol::to_json(protocol::ServerMessage{message->id, protocol::Ok{}}), leaves);
}

void FakeMcu::answer_join(const std::shared_ptr<Peer>& peer, const protocol::ClientMessage& message) {
  peer_ = peer;
  if (!behaviour_.answers_join) return;
  if (behaviour_.refusal) {
    peer->send(protocol::to_json(protocol::ServerMessage{message.id, *behaviour_.refusal}));
    return;
  }
  if (!behaviour_.raw_answer.empty()) return peer->send(behaviour_.raw_answer);

  const auto& join = std::get<protocol::Join>(message.body);
  const auto offer = sdp::parse(join.sdp);
  ASSERT_TRUE(offer) << offer.error().what;
  const auto terms = sdp::accept_offer(*offer);
  ASSERT_TRUE(terms) << terms.error().what;
  const auto credentials = ice::Credentials::random();

  LegConfig leg;
  leg.id = LegId{next_leg_++};
  leg.encrypted = terms->encrypted;
  leg.local_ufrag = credentials.ufrag;
  leg.local_pwd = credentials.pwd;
  leg.remote_ufrag = terms->remote_ufrag;
  leg.remote_pwd = terms->remote_pwd;
  leg.remote_fingerprint = terms->remote_fingerprint;
  leg.remote = terms->remote;
  leg.remote_ssrc = terms->remote_ssrc;
  leg.codec = terms->codec;
  leg.payload_type = terms->payload_type;
  leg.local_ssrc = 4711;
  leg.cname = "fake";
  leg.audio_level_id = terms->audio_level_id;
  leg.mixer_level_id = terms->mixer_level_id;
  leg_ = raw(leg.id);
  if (behaviour_.has_media) legs_->post_add(leg);

  sdp::LocalEndpoint local;
  local.ufrag = credentials.ufrag;
  local.pwd = credentials.pwd;
  local.fingerprint = identity_->fingerprint();
  local.candidates = {legs_->local()};
  local.plain_rtp = legs_->local();
  local.ssrc = leg.local_ssrc;
  local.cname = leg.cname;

  protocol::Joined joined;
  joined.room = join.room;
  joined.participant = "p1";
  joined.resume = "resume1";
  joined.sdp = sdp::write_answer(*offer, *terms, local);
  protocol::Participant self;
  self.id = "p1";
  self.name = join.name.value_or("");
  joined.roster = {self};
  peer->send(protocol::to_json(protocol::ServerMessage{message.id, joined}));
}

void FakeMcu::send(protocol::ServerBody event) {
  send_text(protocol::to_json(protocol::ServerMessage{std::nullopt, std::move(event)}));
}

void FakeMcu::send_text(std::string text) {
  asio::post(context_, [this, text = std::move(text)] {
    if (peer_) peer_->send(text);
  });
}

void FakeMcu::drop_signalling() {
  asio::post(context_, [this] {
    if (peer_) peer_->drop();
  });
}

void FakeMcu::drop_media() {
  legs_->post_remove(LegId{leg_.load()});
}

bool FakeMcu::wait_for_end() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(5), [this] { return leg_end_.has_value(); });
}

std::optional<LegEnd> FakeMcu::leg_end() {
  const std::lock_guard lock(mutex_);
  return leg_end_;
}

void FakeMcu::on_connected(LegId, const Address&) noexcept {}

void FakeMcu::on_media(LegId leg, std::uint32_t, const MediaPacket& packet) noexcept {
  packets_.fetch_add(1);
  last_level_.store(packet.level);
  RtpOut echo;
  echo.payload = packet.data();
  const std::uint32_t rate = packet.size == 160 ? 8'000 : 48'000;  // G.711 in 20 ms packets
  echo.media_time = std::uint64_t{packet.timestamp} * (48'000 / rate);
  echo.marker = packet.marker;
  legs_->post_frame(echo, std::span(&leg, 1));
  legs_->wake();
}

void FakeMcu::on_end(LegId, LegEnd end) noexcept {
  {
    const std::lock_guard lock(mutex_);
    leg_end_ = end;
  }
  changed_.notify_all();
}

void FakeMcu::on_traffic(LegId, std::uint32_t, const LegTraffic&) noexcept {}

}  // namespace parley::client::testing_support
