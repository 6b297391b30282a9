#include "tests/bench/load.hpp"

#include <opus/opus.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cmath>
#include <deque>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "transport/base/ids.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/leg/leg.hpp"
#include "transport/net/udp_socket.hpp"
#include "transport/sdp/offer.hpp"

namespace parley::bench {
namespace {

constexpr Duration kPacket = 20ms;
constexpr Duration kRest = 250us;  // between two looks at who has to send: packets are at most that late
constexpr Duration kReadEvery = 4ms;

// The generator stands for other machines: it must send in time although it shares this one with the server.
class RealTime {
 public:
  RealTime() {
    sched_param priority{};
    priority.sched_priority = 50;
    got_ = pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0;
  }
  ~RealTime() {
    const sched_param none{};
    if (got_) pthread_setschedparam(pthread_self(), SCHED_OTHER, &none);
  }
  RealTime(const RealTime&) = delete;
  RealTime& operator=(const RealTime&) = delete;

 private:
  bool got_ = false;
};

std::string request(const std::string& host, std::uint16_t port, boost::beast::http::verb verb,
                    const std::string& target, const std::string& body, int& status) {
  namespace asio = boost::asio;
  namespace http = boost::beast::http;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address(host), port});
  http::request<http::string_body> request(verb, target, 11);
  request.set(http::field::host, host);
  if (!body.empty()) request.set(http::field::content_type, "application/sdp");
  request.set(http::field::connection, "close");
  request.body() = body;
  request.prepare_payload();
  http::write(socket, request);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(socket, buffer, response);
  status = static_cast<int>(response.result_int());
  return response.body();
}

}  // namespace

class Load::Impl {
 public:
  Impl(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}

  struct Participant final : LegOutput {
    LoadLeg what;
    std::unique_ptr<net::UdpSocket> socket;
    std::unique_ptr<Leg> leg;
    TimePoint next_packet{};
    std::uint64_t index = 0;  // packets said
    test::Random random{1};
    bool connected = false;
    LegResult result;
    std::optional<std::uint32_t> first_timestamp;
    std::optional<std::uint16_t> last_sequence;
    TimePoint last_arrival{};
    struct Late {
      TimePoint at;  // when it should reach the server
      TimePoint spoken;
      std::uint64_t media_time;
      RtpOut out;
    };
    std::deque<Late> on_the_way;

    void send(const Address& to, const std::optional<IpAddress>& from, Bytes datagram) override {
      socket->queue(to, from, datagram);
    }
    void on_connected(LegId) override { connected = true; }
    void on_end(LegId, LegEnd) override { connected = false; }
    void on_media(LegId, const MediaPacket& packet) override {
      ++result.received;
      if (last_arrival != TimePoint{})
        result.longest_gap = std::max(result.longest_gap, packet.arrival - last_arrival);
      last_arrival = packet.arrival;
      if (last_sequence) {
        const auto step = static_cast<std::uint16_t>(packet.sequence - *last_sequence);
        if (step > 1 && step < 1'000) result.lost += step - 1U;
      }
      last_sequence = packet.sequence;
      if (!what.keep) return;
      if (!first_timestamp) first_timestamp = packet.timestamp;
      result.heard.push_back(
          {packet.timestamp - *first_timestamp, packet.arrival, packet.arrival, bytes(packet.data())});
    }
    void deliver(TimePoint at) {
      for (; !on_the_way.empty() && on_the_way.front().at <= at; on_the_way.pop_front()) {
        const Late& late = on_the_way.front();
        const TimePoint left = now();
        if (leg->send_rtp(left, late.out)) ++result.sent;
        result.lateness_ms.push_back(to_ms(left - late.at));
        if (what.keep) result.said.push_back({late.media_time, left, late.spoken, bytes(late.out.payload)});
      }
    }
    void say(TimePoint at) {
      const auto& packets = *what.sends;
      const std::size_t i = index % packets.payloads.size();
      RtpOut out;
      out.payload = packets.payloads[i];
      out.media_time = index * 960;
      if (what.levels) {
        out.level = packets.levels[i];
        out.voice = packets.levels[i] < 60;
      }
      // Packets keep their order, as on most networks.
      const auto late =
          Duration(static_cast<std::int64_t>(random.uniform() * static_cast<double>(what.jitter.count())));
      const TimePoint due = on_the_way.empty() ? at + late : std::max(at + late, on_the_way.back().at);
      on_the_way.push_back({due, at, index * 960, out});
      ++index;
    }
    static std::vector<std::uint8_t> bytes(Bytes data) { return {data.begin(), data.end()}; }
  };

  std::string join(const LoadLeg& what) {
    auto one = std::make_unique<Participant>();
    one->what = what;
    auto socket = net::UdpSocket::open(Address{IpAddress::v4(0x7f000001), 0});
    if (!socket) return socket.error().what;
    one->socket = std::move(socket).value();
    one->socket->stamp_by_kernel();

    sdp::OfferOptions options;
    options.encrypted = what.encrypted;
    options.audio_level = what.levels;
    sdp::LocalEndpoint local;
    const auto credentials = ice::Credentials::random();
    local.ufrag = credentials.ufrag;
    local.pwd = credentials.pwd;
    local.fingerprint = identity_->fingerprint();
    local.plain_rtp = one->socket->local();
    local.ssrc = random_u32();
    local.cname = what.name;
    const auto offer = sdp::write_offer(options, local);
    int status = 0;
    const auto text = request(host_, port_, boost::beast::http::verb::post,
                              "/whip/" + what.room + "?name=" + what.name, offer, status);
    if (status != 201) return "status " + std::to_string(status) + ": " + text;
    const auto answer = sdp::parse_answer(offer, text);
    if (!answer) return answer.error().what;

    LegConfig config;
    config.id = LegId{static_cast<std::uint32_t>(participants_.size() + 1)};
    config.encrypted = what.encrypted;
    config.controlling = true;
    config.local_ufrag = local.ufrag;
    config.local_pwd = local.pwd;
    config.remote_ufrag = answer->remote_ufrag;
    config.remote_pwd = answer->remote_pwd;
    config.remote_fingerprint = answer->remote_fingerprint;
    config.remote = answer->remote;
    if (what.encrypted && !answer->candidates.empty()) config.remote = answer->candidates.front().address;
    config.payload_type = answer->payload_type;
    config.local_ssrc = local.ssrc;
    config.cname = what.name;
    config.audio_level_id = answer->audio_level_id;
    one->leg = std::make_unique<Leg>(config, identity_.get(), *one, now());
    // Phases spread over the packet: participants do not share a clock.
    const double turn = static_cast<double>(participants_.size()) * 0.6180339887;
    one->next_packet = now() + Duration(static_cast<std::int64_t>((turn - std::floor(turn)) * 20e6));
    participants_.push_back(std::move(one));
    return {};
  }

  void run(Duration time) {
    const RealTime real_time;
    TimePoint next_read{};
    for (const TimePoint end = now() + time; now() < end;) {
      const TimePoint at = now();
      for (auto& one : participants_) {
        if (at - one->next_packet > 1s) one->next_packet = at;
        while (one->next_packet <= at) {
          if (one->connected && one->what.sends != nullptr) one->say(one->next_packet);
          one->next_packet += kPacket;
        }
        one->deliver(at);
        one->socket->flush();
      }
      // Arrival times are the kernel's, so that reading can wait.
      if (at >= next_read) {
        next_read = at + (all_connected() ? kReadEvery : kRest);
        read();
      }
      const timespec rest{0, kRest / 1ns};
      nanosleep(&rest, nullptr);
    }
    read();
  }

  void read() {
    const TimePoint at = now();
    for (auto& one : participants_) {
      while (one->socket->receive(
                 [&](const net::Datagram& d) { one->leg->receive(d.arrival, d.from, d.to, d.data); }) > 0) {
      }
      if (at >= one->leg->next_timeout()) one->leg->on_timer(at);
      one->socket->flush();
    }
  }

  bool all_connected() const {
    return std::all_of(participants_.begin(), participants_.end(),
                       [](const auto& one) { return one->connected; });
  }

  std::string host_;
  std::uint16_t port_;
  std::unique_ptr<dtls::Identity> identity_ = dtls::Identity::create().value();
  std::vector<std::unique_ptr<Participant>> participants_;
};

Load::Load(std::string host, std::uint16_t http_port)
    : impl_(std::make_unique<Impl>(std::move(host), http_port)) {}
Load::~Load() = default;
std::string Load::join(const LoadLeg& leg) {
  return impl_->join(leg);
}
void Load::run(Duration time) {
  impl_->run(time);
}
void Load::say(std::size_t leg, const Packets& packets) {
  impl_->participants_.at(leg)->what.sends = &packets;
}
double Load::metric(const std::string& name) const {
  int status = 0;
  const std::string text =
      request(impl_->host_, impl_->port_, boost::beast::http::verb::get, "/metrics", "", status);
  const std::size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size() + 2));
}
double Load::mean_delay(const std::string& name) const {
  const std::string full = "parley_" + name + "_seconds";
  return 1e3 * metric(full + "_sum") / std::max(1.0, metric(full + "_count"));
}
std::size_t Load::connected() const {
  std::size_t count = 0;
  for (const auto& one : impl_->participants_) count += one->connected ? 1 : 0;
  return count;
}
std::vector<LegResult> Load::results() const {
  std::vector<LegResult> out;
  for (const auto& one : impl_->participants_) out.push_back(one->result);
  return out;
}
void Load::forget() {
  for (auto& one : impl_->participants_) {
    one->result = {};
    one->first_timestamp.reset();
    one->last_arrival = {};
  }
}

namespace {

constexpr std::size_t kStep = 480;  // 10 ms: packets have one or more of them

struct Decoded {
  std::vector<float> pcm;
  std::vector<TimePoint> at;      // of each step: when its first sample left or came
  std::vector<TimePoint> spoken;  // and when it was to leave
};

// Packets in order of media time; gaps (DTX) are silence.
Decoded decode(const std::vector<Kept>& packets) {
  Decoded out;
  int error = 0;
  OpusDecoder* decoder = opus_decoder_create(48'000, 1, &error);
  std::vector<float> frame(5'760);
  for (const auto& packet : packets) {
    const std::size_t place = (packet.media_time - packets.front().media_time) / kStep;
    while (out.at.size() < place) {
      out.at.push_back(out.at.empty() ? packet.at : out.at.back() + 10ms);
      out.spoken.push_back(out.spoken.empty() ? packet.spoken : out.spoken.back() + 10ms);
      out.pcm.resize(out.at.size() * kStep, 0.0F);
    }
    if (out.at.size() > place) continue;
    const int samples = opus_decode_float(decoder, packet.payload.data(),
                                          static_cast<int>(packet.payload.size()), frame.data(), 5'760, 0);
    for (std::size_t i = 0; (i + 1) * kStep <= static_cast<std::size_t>(std::max(samples, 0)); ++i) {
      out.at.push_back(packet.at + static_cast<int>(i) * Duration(10ms));
      out.spoken.push_back(packet.spoken + static_cast<int>(i) * Duration(10ms));
      const auto from = frame.begin() + static_cast<std::ptrdiff_t>(i * kStep);
      out.pcm.insert(out.pcm.end(), from, from + static_cast<std::ptrdiff_t>(kStep));
    }
  }
  opus_decoder_destroy(decoder);
  return out;
}

}  // namespace

AddedDelays added_delays(const LegResult& talker, const LegResult& listener, Duration every) {
  constexpr double kLookAheadMs = 2.5;  // of the server's low-delay encoder: the codec's, not the server's
  constexpr std::size_t kWindow = 9'600;
  const auto step = static_cast<std::size_t>(every * 48 / 1ms);
  AddedDelays delays;
  if (talker.said.size() < 50 || listener.heard.size() < 50) return delays;
  const Decoded said = decode(talker.said);
  const Decoded heard = decode(listener.heard);
  const auto within = [](std::size_t sample) {
    return Duration(static_cast<std::int64_t>(sample % kStep) * 1'000'000'000 / 48'000);
  };
  for (std::size_t s = 0; s + kWindow < said.pcm.size(); s += step) {
    const std::span<const float> marker(said.pcm.data() + s, kWindow);
    if (test::rms_dbfs(marker) < -30) continue;
    // Where in the heard stream may it be? What arrived within 300 ms of its being sent.
    const TimePoint left = said.at[s / kStep] + within(s);
    const TimePoint spoken = said.spoken[s / kStep] + within(s);
    const auto first = std::lower_bound(heard.at.begin(), heard.at.end(), spoken - 20ms) - heard.at.begin();
    const std::size_t begin = static_cast<std::size_t>(first) * kStep;
    if (begin + kWindow + 15'000 > heard.pcm.size()) break;
    const auto match = test::correlation_delay(
        marker, std::span<const float>(heard.pcm).subspan(begin, kWindow + 14'400), 14'400);
    if (match.score < 0.6) continue;
    const std::size_t place = begin + static_cast<std::size_t>(match.samples);
    const TimePoint came = heard.at[place / kStep] + within(place);
    delays.from_leaving.push_back(to_ms(came - left) - kLookAheadMs);
    delays.from_speaking.push_back(to_ms(came - spoken) - kLookAheadMs);
  }
  return delays;
}

}  // namespace parley::bench
