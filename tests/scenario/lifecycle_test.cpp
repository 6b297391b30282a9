// Coming, going and being moderated, as clients experience it; audio is judged by listening.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <regex>

#include "tests/scenario/call.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/transport/sdp/samples.hpp"
#include "transport/net/udp_socket.hpp"

namespace parley::scenario {
namespace {

constexpr double kAmplitude = 0.1;

// Level of a keyed tone in the last `seconds` heard, relative to what was said.
double heard_db(const Caller& caller, double hz, double seconds = 1.0) {
  const auto heard = caller.heard();
  const auto count = std::min(heard.size(), static_cast<std::size_t>(seconds * 48'000));
  const std::span<const float> tail(heard.data() + heard.size() - count, count);
  return test::tone_dbfs(tail, hz) - test::to_db(kAmplitude * 0.6);
}

std::string wait_heard(const Caller& caller, double hz, bool wanted, Duration limit = 5s) {
  return wait_until(
      [&]() -> std::string {
        const double level = heard_db(caller, hz);
        if (wanted ? level > -6 : level < -45) return {};
        return std::to_string(hz) + " Hz is at " + std::to_string(level) + " dB";
      },
      limit);
}

class Call : public testing::Test {
 protected:
  std::unique_ptr<Caller> join(const std::string& name, double hz,
                               const std::function<void(client::SessionConfig&)>& change = {}) {
    auto config = caller_config(*server_, "room", name);
    if (change) change(config);
    auto source = hz > 0 ? tone(hz, kAmplitude) : std::make_unique<client::SilenceSource>();
    return std::make_unique<Caller>(clients_, config, std::move(source));
  }
  std::string participant(const std::string& name) const {
    const auto roster = boost::json::parse(server_->http("GET", "/api/v1/rooms/room/participants").body);
    const auto& list = roster.is_array() ? roster.as_array() : roster.at("participants").as_array();
    for (const auto& entry : list)
      if (entry.at("name").as_string() == name) return std::string(entry.at("id").as_string());
    return "nobody";
  }
  int post(const std::string& what, const std::string& body = {}) const {
    return server_->http("POST", "/api/v1/rooms/room/" + what, body).status;
  }
  std::size_t rooms() const {
    const auto list = boost::json::parse(server_->http("GET", "/api/v1/rooms").body);
    return (list.is_array() ? list.as_array() : list.at("rooms").as_array()).size();
  }

  void restart(const settings::Settings& settings) { server_ = std::make_unique<Server>(settings); }

  std::unique_ptr<Server> server_ = std::make_unique<Server>();
  Clients clients_;
};

TEST_F(Call, MuteAndUnmuteAreHeard) {
  const auto ann = join("ann", 500);
  const auto bob = join("bob", 800);
  ASSERT_EQ(bob->wait_live(), "");
  ASSERT_EQ(wait_heard(*bob, 500, true), "");
  const auto id = participant("ann");
  EXPECT_LT(post("participants/" + id + "/mute"), 300);
  EXPECT_EQ(wait_heard(*bob, 500, false), "");
  EXPECT_LT(post("participants/" + id + "/unmute"), 300);
  EXPECT_EQ(wait_heard(*bob, 500, true), "");
}

TEST_F(Call, TalkingIsShown) {
  const auto ann = join("ann", 500);
  const auto bob = join("bob", 0);
  ASSERT_EQ(bob->wait_live(), "");
  EXPECT_EQ(wait_until([&] { return std::string(bob->talking("ann") ? "" : "ann talks"); }, 5s), "");
  EXPECT_FALSE(bob->talking("bob"));
}

TEST_F(Call, PersonalGainChangesOneListenerOnly) {
  const auto ann = join("ann", 500);
  const auto bob = join("bob", 0);
  const auto carol = join("carol", 0);
  ASSERT_EQ(bob->wait_live(), "");
  ASSERT_EQ(carol->wait_live(), "");
  ASSERT_EQ(wait_heard(*bob, 500, true), "");
  bob->session().personal_gain(participant("ann"), -20, false);
  EXPECT_EQ(wait_until(
                [&] {
                  const double level = heard_db(*bob, 500);
                  return std::abs(level + 20) < 3 ? std::string{}
                                                  : "bob hears ann at " + std::to_string(level);
                },
                6s),
            "");
  EXPECT_GT(heard_db(*carol, 500), -6);
}

TEST_F(Call, KickedClientIsToldAndTheOthersToo) {
  const auto ann = join("ann", 500);
  const auto bob = join("bob", 0);
  ASSERT_EQ(ann->wait_live(), "");
  ASSERT_EQ(bob->wait_live(), "");
  EXPECT_LT(post("participants/" + participant("ann") + "/kick"), 300);
  ASSERT_EQ(wait_until([&] { return std::string(ann->ended() ? "" : "ann's end"); }, 3s), "");
  EXPECT_EQ(ann->end().kind, client::EndKind::lost);
  EXPECT_EQ(ann->end().code, "kicked");
  EXPECT_EQ(
      wait_until([&] { return std::string(bob->session().roster().size() == 1 ? "" : "one left"); }, 3s), "");
}

TEST_F(Call, LockedRoomAndWrongPinRefuse) {
  EXPECT_LT(server_->http("POST", "/api/v1/rooms", R"({"name":"room","pin":"1234"})").status, 300);
  const auto refused = [&](const char* pin, const char* code) {
    const auto caller = join("x", 0, [&](client::SessionConfig& config) { config.pin = pin; });
    EXPECT_EQ(wait_until([&] { return std::string(caller->ended() ? "" : "a refusal"); }, 3s), "");
    EXPECT_EQ(caller->end().kind, client::EndKind::refused);
    EXPECT_EQ(caller->end().code, code);
  };
  refused("", "wrong-pin");
  refused("12345", "wrong-pin");
  const auto ann = join("ann", 0, [](client::SessionConfig& config) { config.pin = "1234"; });
  ASSERT_EQ(ann->wait_live(), "");
  EXPECT_LT(post("lock"), 300);
  refused("1234", "locked");
}

TEST_F(Call, VanishedClientFreesItsPlace) {
  auto settings = loopback_settings();
  settings.rooms.leg_timeout = 1s;
  settings.rooms.idle_timeout = 1s;
  restart(settings);
  const auto bob = join("bob", 0);
  ASSERT_EQ(bob->wait_live(), "");
  {
    const auto ann = join("ann", 500);
    ASSERT_EQ(ann->wait_live(), "");
    ASSERT_EQ(wait_heard(*bob, 500, true), "");
  }  // no goodbye
  EXPECT_EQ(
      wait_until([&] { return std::string(bob->session().roster().size() == 1 ? "" : "ann's place"); }, 6s),
      "");
  EXPECT_EQ(wait_heard(*bob, 500, false), "");
  bob->leave();
  EXPECT_EQ(wait_until([&] { return rooms() == 0 ? std::string{} : std::string("the room's end"); }, 6s), "");
}

TEST_F(Call, StoppingServerSaysWhy) {
  const auto stay_away = [](client::SessionConfig& config) { config.reconnect_limit = 0s; };
  const auto ann = join("ann", 500, stay_away);
  const auto bob = join("bob", 0, stay_away);
  ASSERT_EQ(ann->wait_live(), "");
  ASSERT_EQ(bob->wait_live(), "");
  server_->stop();
  for (const auto* caller : {ann.get(), bob.get()}) {
    EXPECT_EQ(wait_until([&] { return std::string(caller->ended() ? "" : "the end"); }, 3s), "");
    EXPECT_EQ(caller->end().code, "server-stopping");
  }
}

TEST_F(Call, ListenerThatStopsListeningHearsNothingAndCanComeBack) {
  const auto ann = join("ann", 500);
  const auto bob = join("bob", 800);
  ASSERT_EQ(ann->wait_live(), "");
  ASSERT_EQ(bob->wait_live(), "");
  ASSERT_EQ(wait_heard(*bob, 500, true), "");
  bob->session().send_direction(true, false);
  EXPECT_EQ(wait_heard(*bob, 500, false), "");
  EXPECT_EQ(wait_heard(*ann, 800, true), "") << "bob is still heard";
  bob->session().send_direction(true, true);
  EXPECT_EQ(wait_heard(*bob, 500, true), "");
}

TEST_F(Call, FloodOfRubbishDisturbsNobody) {
  const auto ann = join("ann", 500);
  const auto bob = join("bob", 800);
  ASSERT_EQ(ann->wait_live(), "");
  ASSERT_EQ(bob->wait_live(), "");
  ASSERT_EQ(wait_heard(*bob, 500, true), "");

  auto socket = net::UdpSocket::open(Address{IpAddress::v4(0x7f000001), 0}).value();
  const std::uint8_t kinds[] = {0x00, 0x16, 0x80, 0xff};  // STUN, DTLS, RTP, nothing known
  std::vector<std::uint8_t> datagram(200);
  const TimePoint end = now() + 3s;
  std::size_t sent = 0;
  while (now() < end) {
    for (int i = 0; i < 64; ++i, ++sent) {
      for (auto& byte : datagram) byte = static_cast<std::uint8_t>(byte * 31 + 17 + sent);
      datagram[0] = kinds[sent % 4];
      socket->queue(server_->media(), std::nullopt, Bytes(datagram).first(1 + sent % datagram.size()));
    }
    socket->flush();
    std::this_thread::sleep_for(5ms);  // the rate of the flood: about 12,000 datagrams a second
  }
  EXPECT_GT(heard_db(*bob, 500, 2.5), -3) << "after " << sent << " datagrams";
  EXPECT_GT(heard_db(*ann, 800, 2.5), -3);
  EXPECT_FALSE(ann->ended());
  EXPECT_FALSE(bob->ended());
}

TEST_F(Call, QuietClientIsToldToSpeakUp) {
  test::SpeechStyle style;
  style.level_dbfs = -40;
  style.pause_seconds = 0.2;
  const auto pcm = std::make_shared<const std::vector<float>>(test::speech(15, 5, style));
  auto config = caller_config(*server_, "room", "ann");
  config.direct = false;  // only what passes the server is measured there
  const Caller ann(clients_, config, std::make_unique<client::PcmSource>(pcm, true));
  const auto bob = join("bob", 0);
  ASSERT_EQ(bob->wait_live(), "");
  EXPECT_EQ(wait_until(
                [&] {
                  const double gain = ann.session().stats().gain_db;
                  return gain > 8 && gain < 25 ? std::string{}
                                               : "ann applies " + std::to_string(gain) + " dB";
                },
                15s),
            "");
}

TEST_F(Call, GraphAndMetricsAnswer) {
  const auto ann = join("ann", 500);
  const auto bob = join("bob", 0);
  ASSERT_EQ(bob->wait_live(), "");
  ASSERT_EQ(wait_heard(*bob, 500, true), "");
  const auto graph = server_->http("GET", "/api/v1/rooms/room/graph");
  EXPECT_EQ(graph.status, 200);
  EXPECT_NE(graph.body.find("digraph"), std::string::npos);
  EXPECT_NE(graph.body.find("mix"), std::string::npos);
  const auto metrics = server_->http("GET", "/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("parley_participants 2"), std::string::npos);
  // What the operator's page promises is there.
  std::ifstream page(PARLEY_SOURCE_DIR "/docs/operations.md");
  const std::string text((std::istreambuf_iterator<char>(page)), {});
  const std::regex name("parley_[a-z_]+");
  int named = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it, ++named)
    EXPECT_NE(metrics.body.find(it->str()), std::string::npos) << it->str();
  EXPECT_GT(named, 5);
  EXPECT_EQ(server_->http("GET", "/healthz").status, 200);
  EXPECT_EQ(server_->http("GET", "/readyz").status, 200);
}

// Offers as browsers send them, to a whole server: each is answered, candidates that come later change
// nothing, new credentials are an ICE restart, and only once.
TEST_F(Call, BrowsersOffersAndTheirTrickledCandidates) {
  for (const auto& [name, offer] :
       {std::pair("chromium", &sdp::kChromium), std::pair("firefox", &sdp::kFirefox),
        std::pair("safari", &sdp::kSafari)}) {
    const auto joined = server_->http("POST", "/whip/room", *offer, "application/sdp");
    ASSERT_EQ(joined.status, 201) << name << ": " << joined.body;
    std::smatch ufrag, pwd;
    ASSERT_TRUE(std::regex_search(*offer, ufrag, std::regex("a=ice-ufrag:[^\r]*"))) << name;
    ASSERT_TRUE(std::regex_search(*offer, pwd, std::regex("a=ice-pwd:[^\r]*"))) << name;
    const auto patch = [&](const std::string& fragment) {
      return server_->http("PATCH", joined.location, fragment, "application/trickle-ice-sdpfrag").status;
    };
    const std::string candidate =
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
    EXPECT_EQ(patch(ufrag.str() + "\r\n" + pwd.str() + "\r\n" + candidate), 204) << name;
    const std::string renewed = "a=ice-ufrag:wxyz\r\na=ice-pwd:0123456789abcdef012345\r\n";
    EXPECT_EQ(patch(renewed), 200) << name;
    EXPECT_EQ(patch(renewed + candidate), 204) << name;
    EXPECT_EQ(server_->http("DELETE", joined.location).status, 200) << name;
  }
}

}  // namespace
}  // namespace parley::scenario
