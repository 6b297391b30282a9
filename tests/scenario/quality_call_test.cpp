// Who hurts whom, judged by networks that are made bad on purpose; and what of it is found in the log.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "tests/scenario/tone_ear.hpp"
#include "tests/scenario/udp_relay.hpp"

namespace parley::scenario {
namespace {

namespace json = boost::json;

constexpr double kLoss = 0.3;

class QualityCall : public testing::Test {
 protected:
  settings::Settings settings() const {
    auto settings = loopback_settings();
    settings.recording.directory = folder_.path() + "/recordings";
    settings.quality.interval = 1s;
    settings.quality.keep_days = 7;
    return settings;
  }
  std::unique_ptr<Caller> join(const Server& server, const std::string& name, double hz, bool direct) {
    auto config = caller_config(server, "room", name);
    config.dtx = false;
    config.direct = direct;
    config.carrier = client::CarrierRule::udp;
    config.quality_interval = 1s;
    auto caller = std::make_unique<Caller>(clients_, config, steady_tone(hz));
    EXPECT_EQ(caller->wait_live(), "");
    return caller;
  }
  static json::object get(const Server& server, const std::string& target) {
    const auto answer = server.http("GET", target);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).as_object();
  }
  // "ann uplink loss others", one for each trouble of the room, in their order.
  static std::string troubles(const Server& server) {
    std::string out;
    const auto answer = get(server, "/api/v1/rooms/room/quality");
    for (const auto& one : answer.at("troubles").as_array()) {
      const auto word = [&one](const char* key) {
        const auto* value = one.as_object().if_contains(key);
        return value == nullptr ? std::string("server") : std::string(value->as_string());
      };
      out += (out.empty() ? "" : ", ") + word("name") + " " + word("direction") + " " + word("cause") + " " +
             word("hurts");
    }
    return out;
  }
  static std::string wait_troubles(const Server& server, const std::string& wanted, Duration limit = 10s) {
    return wait_until(
        [&]() -> std::string {
          const auto found = troubles(server);
          return found == wanted ? "" : "troubles: \"" + found + "\"";
        },
        limit);
  }
  static std::string wait_alarm(const Caller& caller, const std::string& direction, bool bad) {
    return wait_until(
        [&]() -> std::string {
          for (const auto& alarm : caller.alarms())
            if (alarm.direction == direction && alarm.bad == bad) return "";
          return direction + (bad ? " bad" : " good");
        },
        15s);
  }
  static double value_of(const Server& server, const std::string& metric) {
    const auto text = server.http("GET", "/metrics").body;
    const auto at = text.find("\n" + metric + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + metric.size() + 2));
  }

  Folder folder_;
  Clients clients_;
};

class LossyNetwork : public QualityCall {
 protected:
  void SetUp() override {
    auto with_relay = settings();
    with_relay.media.advertise = {relay_.local()};
    server_ = std::make_unique<Server>(with_relay);
    relay_.forward_to(server_->media());
    ann_ = join(*server_, "ann", 500, false);
    bob_ = join(*server_, "bob", 800, false);
    ASSERT_EQ(wait_tone(*ann_, 800), "");
    ASSERT_EQ(wait_tone(*bob_, 500), "");
  }
  // No later word of the server names bob.
  void expect_bob_is_blameless() const {
    for (const auto& alarm : ann_->alarms()) EXPECT_EQ(alarm.participant, ann_->session().participant_id());
  }

  UdpRelay relay_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Caller> ann_, bob_;
};

TEST_F(LossyNetwork, OnTheWayUpNamesWhoHurtsTheOthersUntilItIsGoodAgain) {
  relay_.lose(0, kLoss, 0);
  EXPECT_EQ(wait_troubles(*server_, "ann uplink loss others"), "");
  EXPECT_EQ(wait_alarm(*ann_, "uplink", true), "");
  EXPECT_EQ(wait_alarm(*bob_, "uplink", true), "") << "here everybody moderates, and is told";
  EXPECT_EQ(value_of(*server_, R"(parley_bad_paths{direction="uplink"})"), 1);
  EXPECT_EQ(value_of(*server_, R"(parley_bad_paths{direction="downlink"})"), 0);
  for (const auto& alarm : ann_->alarms()) {
    EXPECT_LT(alarm.mos, 3.6);
    EXPECT_NE(alarm.text.find("everybody hears ann broken"), std::string::npos) << alarm.text;
    std::printf("MOS %.1f: %s\n", alarm.mos, alarm.text.c_str());
  }
  relay_.lose(0, 0, 0);
  EXPECT_EQ(wait_alarm(*ann_, "uplink", false), "");
  EXPECT_EQ(wait_troubles(*server_, ""), "");
  EXPECT_EQ(value_of(*server_, R"(parley_bad_paths{direction="uplink"})"), 0);
  expect_bob_is_blameless();
}

TEST_F(LossyNetwork, OnTheWayDownNamesTheListenersOwnNetwork) {
  relay_.lose(0, 0, kLoss);
  EXPECT_EQ(wait_troubles(*server_, "ann downlink loss itself"), "");
  EXPECT_EQ(wait_alarm(*ann_, "downlink", true), "");
  expect_bob_is_blameless();
  const auto made_up = wait_until(
      [&]() -> std::string {
        const auto answer = get(*server_, "/api/v1/rooms/room/quality");
        for (const auto& who : answer.at("participants").as_array()) {
          if (who.at("name").as_string() != "ann") continue;
          for (const auto& path : who.at("paths").as_array()) {
            const auto& down = path.at("downlink").as_object();
            if (down.contains("concealed_ms") && down.at("concealed_ms").to_number<double>() > 20 &&
                down.contains("target_ms"))
              return "";
          }
        }
        return "what only ann's client knows: concealment and delay target";
      },
      5s);
  EXPECT_EQ(made_up, "");
}

TEST_F(QualityCall, OfADirectCallBothEndsTellAndTheRowsOutliveRoomAndServer) {
  auto server = std::make_unique<Server>(settings());
  auto ann = join(*server, "ann", 500, true), bob = join(*server, "bob", 800, true);
  const auto rows = [&server](const std::string& filter) {
    return get(*server, "/api/v1/quality?room=room" + filter).at("rows").as_array();
  };
  const auto told_by = [](const json::array& list, const std::string& name) {
    return std::count_if(list.begin(), list.end(), [&](const json::value& row) {
      return row.at("name").as_string() == name && row.at("downlink").as_object().contains("mos");
    });
  };
  ASSERT_EQ(wait_until(
                [&]() -> std::string {
                  const auto direct = rows("&path=direct");
                  return told_by(direct, "ann") >= 2 && told_by(direct, "bob") >= 2 ? ""
                                                                                    : "rows of both ends";
                },
                20s),
            "");
  const auto direct = rows("&path=direct&limit=1").at(0).as_object();
  EXPECT_FALSE(direct.at("local").as_string().empty());
  EXPECT_FALSE(direct.at("remote").as_string().empty());
  EXPECT_TRUE(direct.at("peer").as_string() == "ann" || direct.at("peer").as_string() == "bob");
  EXPECT_GT(direct.at("downlink").at("mos").to_number<double>(), 4);
  EXPECT_GT(rows("&path=mcu-udp").size(), 1U) << "the legs that are kept warm";
  const auto seen = ann->qualities();
  EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [](const auto& one) { return one.path == "direct"; }));
  EXPECT_GT(ann->session().stats().downlink_mos.mean, 4);

  ann.reset();
  bob.reset();
  server.reset();
  server = std::make_unique<Server>(settings());
  EXPECT_EQ(server->http("GET", "/api/v1/rooms/room").status, 404);
  EXPECT_GE(told_by(rows("&path=direct"), "ann"), 2);
  // By pages, as by one.
  json::array all = rows("&limit=1000"), paged;
  std::string before;
  for (int pages = 0; pages < 100; ++pages) {
    const auto page = get(*server, "/api/v1/quality?room=room&limit=3" + before);
    for (const auto& row : page.at("rows").as_array()) paged.push_back(row);
    if (!page.contains("before")) break;
    before = "&before=" + std::to_string(page.at("before").as_int64());
  }
  EXPECT_EQ(all, paged);
}

TEST_F(QualityCall, ALogThatCannotBeWrittenIsSaidAndDisturbsNobody) {
  const auto where = settings();
  std::filesystem::create_directories(where.recording.directory + "/quality.db");  // no file can be there
  const Server server(where);
  const auto ann = join(server, "ann", 500, false), bob = join(server, "bob", 800, false);
  EXPECT_EQ(wait_until(
                [&]() -> std::string {
                  const auto health = server.http("GET", "/healthz").body;
                  return health.find("trouble: the quality log is not written") != std::string::npos ? ""
                                                                                                     : health;
                },
                10s),
            "");
  EXPECT_GT(value_of(server, "parley_quality_rows_lost_total"), 0);
  EXPECT_EQ(value_of(server, "parley_quality_rows_total"), 0);
  EXPECT_EQ(server.http("GET", "/api/v1/quality").status, 503);
  EXPECT_EQ(wait_tone(*ann, 800), "");
  const auto answer = get(server, "/api/v1/rooms/room/quality");
  EXPECT_FALSE(answer.at("participants").as_array().at(0).at("paths").as_array().empty())
      << "live it is known";
  std::filesystem::remove(where.recording.directory + "/quality.db");
  EXPECT_EQ(
      wait_until(
          [&]() -> std::string {
            return value_of(server, "parley_quality_rows_total") > 0 ? "" : "rows, now that there is a place";
          },
          5s),
      "");
  EXPECT_EQ(server.http("GET", "/healthz").body, "ok\n");
}

}  // namespace
}  // namespace parley::scenario
