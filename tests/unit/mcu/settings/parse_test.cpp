#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "mcu/settings/settings.hpp"

namespace parley::settings {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::string& yaml) {
  const auto result = parse(yaml, "test.yaml");
  return result ? "no error" : result.error().what;
}

TEST(SettingsParse, NothingGivesTheDefaults) {
  for (const std::string yaml : {"", "\n\n", "# only a comment\n", "---\n", "jitter:\n", "{}"}) {
    const auto result = parse(yaml, "test.yaml");
    ASSERT_TRUE(result) << yaml << ": " << result.error().what;
    EXPECT_EQ(to_yaml(*result), to_yaml(Settings{})) << yaml;
  }
}

TEST(SettingsParse, DefaultsAreThoseOfTheDesign) {
  const Settings s;
  EXPECT_EQ(s.http.listen.to_string(), "127.0.0.1:8080");
  EXPECT_EQ(s.media.listen.to_string(), "0.0.0.0:5004");
  EXPECT_TRUE(s.media.plain_rtp_from.empty());
  EXPECT_EQ(s.media.priority, ThreadPriority::high);
  EXPECT_EQ(s.mix.tick_ms, 20);
  EXPECT_EQ(s.mix.max_talkers, 8);
  EXPECT_EQ(s.mix.auto_level, AutoLevel::client);
  EXPECT_EQ(s.mix.complexity, 7);
  EXPECT_EQ(s.jitter.min_ms, 0);
  EXPECT_EQ(s.jitter.max_ms, 200);
  EXPECT_EQ(s.rooms.idle_timeout, 60s);
  EXPECT_EQ(s.rooms.leg_timeout, 10s);
  EXPECT_EQ(s.rooms.max_participants, 1000u);
  EXPECT_EQ(s.alarm.delay_ms, 150);
}

TEST(SettingsParse, EveryKeyTakesAValueOtherThanItsDefault) {
  const std::string yaml = R"(
http:
  listen: "[::1]:80"
  allowed_origins: ["https://meet.example.org", "http://127.0.0.1:3000"]
  tls: {certificate: /etc/parley/chain.pem, key: /etc/parley/key.pem}
media:
  listen: 192.0.2.1:6000
  second_listen: 192.0.2.1:6001
  advertise: [203.0.113.5, "203.0.113.6:7000", "2001:db8::5", "[2001:db8::5]:7000"]
  plain_rtp_from: [127.0.0.0/8, 192.0.2.7, "::1/128"]
  priority: realtime
  over_websocket: false
mix: {tick_ms: 10, max_talkers: 0, auto_level: off, complexity: 10, comfort_noise: true, threads: 3}
jitter: {min_ms: 20, max_ms: 400}
rooms: {idle_timeout: 5m, leg_timeout: 2500ms, max_participants: 25, direct: never, direct_probing: false, state_file: /var/lib/parley/state.db}
calls: {ring_timeout: 45s, per_minute: 3}
alarm: {delay_ms: 90}
auth: {admin_key: Vq7ZkW2mXc9TtRb4, token_key: "p0Lj&n}8sd:fYt#3"}
limits:
  joins_per_second: 1
  joins_per_second_per_address: 2
  rooms: 3
  participants: 4
  body_bytes: 65536
  connections: 5
quality: {interval: 2s, alarm_mos: 3.25, keep_days: 0, max_mb: 7}
log: {level: debug}
)";
  const auto good = parse(yaml, "test.yaml");
  ASSERT_TRUE(good) << good.error().what;
  const Settings& s = *good;
  EXPECT_EQ(s.http.listen.to_string(), "[::1]:80");
  EXPECT_EQ(s.http.allowed_origins.size(), 2u);
  EXPECT_EQ(s.media.listen.to_string(), "192.0.2.1:6000");
  EXPECT_EQ(s.media.second_listen.value_or(Address{}).to_string(), "192.0.2.1:6001");
  ASSERT_EQ(s.media.advertise.size(), 4u);
  EXPECT_EQ(s.media.advertise[0].port, 0);
  EXPECT_EQ(s.media.advertise[1].to_string(), "203.0.113.6:7000");
  EXPECT_EQ(s.media.advertise[2].ip.to_string(), "2001:db8::5");
  EXPECT_EQ(s.media.advertise[2].port, 0);
  EXPECT_EQ(s.media.advertise[3].port, 7000);
  ASSERT_EQ(s.media.plain_rtp_from.size(), 3u);
  EXPECT_TRUE(s.media.plain_rtp_from[0].contains(*IpAddress::parse("127.3.2.1")));
  EXPECT_FALSE(s.media.over_websocket);
  EXPECT_EQ(s.mix.tick_ms, 10);
  EXPECT_EQ(s.mix.max_talkers, 0);
  EXPECT_EQ(s.mix.auto_level, AutoLevel::off);
  EXPECT_EQ(s.mix.complexity, 10);
  EXPECT_TRUE(s.mix.comfort_noise);
  EXPECT_EQ(s.mix.threads, 3);
  EXPECT_EQ(s.jitter.min_ms, 20);
  EXPECT_EQ(s.jitter.max_ms, 400);
  EXPECT_EQ(s.rooms.idle_timeout, 5min);
  EXPECT_EQ(s.rooms.leg_timeout, 2500ms);
  EXPECT_EQ(s.rooms.max_participants, 25u);
  EXPECT_EQ(s.rooms.direct, Direct::never);
  EXPECT_FALSE(s.rooms.direct_probing);
  EXPECT_EQ(s.rooms.state_file, "/var/lib/parley/state.db");
  EXPECT_EQ(s.calls.ring_timeout, 45s);
  EXPECT_EQ(s.calls.per_minute, 3);
  EXPECT_EQ(s.alarm.delay_ms, 90);
  EXPECT_EQ(s.auth.admin_key, "Vq7ZkW2mXc9TtRb4");
  EXPECT_EQ(s.auth.token_key, "p0Lj&n}8sd:fYt#3");
  EXPECT_EQ(s.limits.joins_per_second, 1);
  EXPECT_EQ(s.limits.joins_per_second_per_address, 2);
  EXPECT_EQ(s.limits.rooms, 3u);
  EXPECT_EQ(s.limits.participants, 4u);
  EXPECT_EQ(s.limits.body_bytes, 65536u);
  EXPECT_EQ(s.limits.connections, 5u);
  EXPECT_EQ(s.quality.interval, 2s);
  EXPECT_EQ(s.quality.alarm_mos, 3.25);
  EXPECT_EQ(s.quality.keep_days, 0u);
  EXPECT_EQ(s.quality.max_mb, 7u);
  EXPECT_EQ(s.log.level, LogLevel::debug);

  // Of the sections above no key is left out.
  const auto changes = compare(Settings{}, s);
  std::size_t expected = 0;
  for (const auto& key : key_reference())
    if (yaml.find("\n" + key.path.substr(0, key.path.find('.')) + ":") != std::string::npos) ++expected;
  EXPECT_EQ(changes.reloadable.size() + changes.needs_restart.size(), expected);
}

TEST(SettingsParse, DecimalsArePlainNumbersWithinTheirBounds) {
  for (const char* good : {"0", "4", "4.4", "3.60", "0.5"})
    EXPECT_TRUE(parse(std::string("quality: {alarm_mos: ") + good + "}", "t")) << good;
  for (const char* bad :
       {"4.5", "-1", "3.605", "1e0", "nan", "inf", ".", "3.6.1", "\"3.6\"", "0x1", "[]", "~", "+3"}) {
    const auto refused = parse(std::string("quality: {alarm_mos: ") + bad + "}", "t");
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().what.find("quality.alarm_mos: expected a number from 0 to 4.4"),
              std::string::npos)
        << refused.error().what;
  }
}

struct Wrong {
  const char* yaml;
  const char* error;
};

TEST(SettingsParse, OneClearLineForEachMistake) {
  const Wrong kWrong[] = {
      // type, range, unit
      {"jitter:\n  min_ms: abc\n",
       "test.yaml:2: jitter.min_ms: expected a whole number of milliseconds from 0 to 1000, got \"abc\""},
      {"jitter:\n\n  min_ms: \"5\"\n",
       "test.yaml:3: jitter.min_ms: expected a whole number of milliseconds from 0 to 1000, got \"5\""},
      {"jitter: {min_ms: -1}",
       "test.yaml:1: jitter.min_ms: expected a whole number of milliseconds from 0 to 1000, "
       "got \"-1\""},
      {"jitter: {min_ms: 1001}",
       "test.yaml:1: jitter.min_ms: expected a whole number of milliseconds from 0 to "
       "1000, got \"1001\""},
      {"jitter: {min_ms: 99999999999999999999}",
       "test.yaml:1: jitter.min_ms: expected a whole number of "
       "milliseconds from 0 to 1000, got \"99999999999999999999\""},
      {"jitter: {min_ms: 5ms}",
       "test.yaml:1: jitter.min_ms: expected a whole number of milliseconds from 0 to 1000, "
       "got \"5ms\""},
      {"jitter: {min_ms: 0x10}",
       "test.yaml:1: jitter.min_ms: expected a whole number of milliseconds from 0 to 1000, "
       "got \"0x10\""},
      {"jitter: {min_ms: 1.5}",
       "test.yaml:1: jitter.min_ms: expected a whole number of milliseconds from 0 to 1000, "
       "got \"1.5\""},
      {"jitter:\n  min_ms:\n  max_ms: 100\n",
       "test.yaml:2: jitter.min_ms: expected a whole number of milliseconds from 0 to 1000, got nothing"},
      {"jitter: {min_ms: [1]}",
       "test.yaml:1: jitter.min_ms: expected a whole number of milliseconds from 0 to 1000, "
       "got a list"},
      {"jitter: {min_ms: {a: 1}}",
       "test.yaml:1: jitter.min_ms: expected a whole number of milliseconds from 0 to "
       "1000, got keys below it"},
      {"jitter: 5", "test.yaml:1: jitter: expected keys below it, got \"5\""},
      {"jitter: [1]", "test.yaml:1: jitter: expected keys below it, got a list"},
      {"rooms: {idle_timeout: 60}",
       "test.yaml:1: rooms.idle_timeout: expected a duration with its unit (ms, s, m, h) from 1s to 24h, got "
       "\"60\""},
      {"rooms: {idle_timeout: 60 s}",
       "test.yaml:1: rooms.idle_timeout: expected a duration with its unit (ms, s, m, "
       "h) from 1s to 24h, got \"60 s\""},
      {"rooms: {idle_timeout: 60d}",
       "test.yaml:1: rooms.idle_timeout: expected a duration with its unit (ms, s, m, "
       "h) from 1s to 24h, got \"60d\""},
      {"rooms: {idle_timeout: 500ms}",
       "test.yaml:1: rooms.idle_timeout: expected a duration with its unit (ms, s, m, "
       "h) from 1s to 24h, got \"500ms\""},
      {"rooms: {idle_timeout: 25h}",
       "test.yaml:1: rooms.idle_timeout: expected a duration with its unit (ms, s, m, "
       "h) from 1s to 24h, got \"25h\""},
      {"rooms: {idle_timeout: 9999999999999999999h}",
       "test.yaml:1: rooms.idle_timeout: expected a duration with its unit (ms, s, m, h) from 1s to 24h, got "
       "\"9999999999999999999h\""},
      {"rooms: {idle_timeout: s}",
       "test.yaml:1: rooms.idle_timeout: expected a duration with its unit (ms, s, m, h) "
       "from 1s to 24h, got \"s\""},
      {"mix: {tick_ms: 15}", "test.yaml:1: mix.tick_ms: expected one of 10, 20, got \"15\""},
      {"mix: {auto_level: loud}",
       "test.yaml:1: mix.auto_level: expected one of off, client, server, got \"loud\""},
      {"mix: {comfort_noise: yes}", "test.yaml:1: mix.comfort_noise: expected true or false, got \"yes\""},
      {"mix: {comfort_noise: \"true\"}",
       "test.yaml:1: mix.comfort_noise: expected true or false, got \"true\""},
      {"http: {listen: localhost:80}",
       "test.yaml:1: http.listen: expected an IP address with its port such as "
       "127.0.0.1:8080 or \"[::1]:8080\", got \"localhost:80\""},
      {"http: {listen: 127.0.0.1}",
       "test.yaml:1: http.listen: expected an IP address with its port such as "
       "127.0.0.1:8080 or \"[::1]:8080\", got \"127.0.0.1\""},
      {"media: {listen: 127.0.0.1:65536}",
       "test.yaml:1: media.listen: expected an IP address with its port such as "
       "127.0.0.1:8080 or \"[::1]:8080\", got \"127.0.0.1:65536\""},
      {"media:\n  advertise:\n    - 192.0.2.1\n    - example.org\n",
       "test.yaml:4: media.advertise: expected a list of hosts' IP addresses, each with or without a port, "
       "got "
       "\"example.org\""},
      {"media: {advertise: [0.0.0.0]}",
       "test.yaml:1: media.advertise: expected a list of hosts' IP addresses, each "
       "with or without a port, got \"0.0.0.0\""},
      {"media: {advertise: 192.0.2.1}",
       "test.yaml:1: media.advertise: expected a list of hosts' IP addresses, each "
       "with or without a port, got \"192.0.2.1\""},
      {"media: {plain_rtp_from: [10.0.0.0/33]}",
       "test.yaml:1: media.plain_rtp_from: expected a list of networks such "
       "as 10.0.0.0/8, 192.0.2.7 or \"::1/128\", got \"10.0.0.0/33\""},
      {"http: {allowed_origins: [meet.example.org]}",
       "test.yaml:1: http.allowed_origins: expected a list of origins such as \"https://meet.example.org\", "
       "in lower "
       "case, or \"*\", got \"meet.example.org\""},
      {"http: {allowed_origins: [\"https://meet.example.org/\"]}",
       "test.yaml:1: http.allowed_origins: expected a list of origins such as \"https://meet.example.org\", "
       "in lower "
       "case, or \"*\", got \"https://meet.example.org/\""},
      {"http: {tls: {certificate: a.pem}}",
       "test.yaml:1: http.tls.key: expected the key of http.tls.certificate, got nothing"},
      {"http: {tls: {key: a.key}}",
       "test.yaml:1: http.tls.key: expected nothing without http.tls.certificate"},
      {"http: {tls: yes}", "test.yaml:1: http.tls: expected keys below it, got \"yes\""},
      {"http: {tls: {certificate: [a]}}",
       "test.yaml:1: http.tls.certificate: expected a PEM file with the certificate and its chain, "
       "self-signed, "
       "or \"\" for none, got a list"},
      // unknown and repeated keys
      {"jiter: {min_ms: 5}", "test.yaml:1: jiter: unknown key (did you mean jitter?)"},
      {"mix:\n  max_talker: 5\n", "test.yaml:2: mix.max_talker: unknown key (did you mean mix.max_talkers?)"},
      {"http: {admin_key: x}", "test.yaml:1: http.admin_key: unknown key (did you mean auth.admin_key?)"},
      {"max_talkers: 5", "test.yaml:1: max_talkers: unknown key (did you mean mix.max_talkers?)"},
      {"jitter.min_ms: 5", "test.yaml:1: jitter.min_ms: keys are nested below their section, without dots"},
      {"colour: blue", "test.yaml:1: colour: unknown key"},
      {"telephony: {auto: true}", "test.yaml:1: telephony: unknown key"},
      {"jitter:\n  min_ms: 1\n  max_ms: 50\n  min_ms: 2\n",
       "test.yaml:4: jitter.min_ms: stands twice (first on line 2)"},
      {"mix:\n  threads: 1\nmix:\n  tick_ms: 10\n", "test.yaml:3: mix: stands twice (first on line 1)"},
      {"? [a]\n: 1\n", "test.yaml:1: expected a key, got a list"},
      {"<<: {a: 1}", "test.yaml:1: <<: unknown key"},
      // whole file
      {"- a\n- b\n", "test.yaml: expected keys below it, got a list"},
      {"just text", "test.yaml: expected keys below it, got \"just text\""},
      {"jitter: {min_ms: 1}\n---\njitter: {min_ms: 2}\n", "test.yaml:2: a second YAML document"},
      {",", "test.yaml:1: a second YAML document"},
      {"jitter: [", "test.yaml:1: not valid YAML: end of sequence flow not found"},
      // combinations
      {"jitter:\n  max_ms: 100\n  min_ms: 101\n",
       "test.yaml:3: jitter.min_ms: expected at most jitter.max_ms (100), got 101"},
      {"jitter: {min_ms: 201}", "test.yaml:1: jitter.min_ms: expected at most jitter.max_ms (200), got 201"},
      {"http:\n  listen: 0.0.0.0:8080\n",
       "test.yaml:2: http.listen: 0.0.0.0:8080 can be reached from other hosts: auth.admin_key must be set"},
      {"auth:\n  admin_key: Vq7ZkW2mXc9TtRb4\n  token_key: Vq7ZkW2mXc9TtRb4\n",
       "test.yaml:3: auth.token_key: expected another key than auth.admin_key"},
  };
  for (const auto& wrong : kWrong) EXPECT_EQ(error_of(wrong.yaml), wrong.error) << wrong.yaml;
}

TEST(SettingsParse, AnAdminKeyOpensTheServerToOtherHosts) {
  EXPECT_TRUE(parse("{http: {listen: 0.0.0.0:8080}, auth: {admin_key: Vq7ZkW2mXc9TtRb4}}", "test.yaml"));
  EXPECT_TRUE(parse("http: {listen: 127.0.0.2:8080}", "test.yaml"));
  EXPECT_TRUE(parse("http: {listen: \"[::1]:8080\"}", "test.yaml"));
}

TEST(SettingsParse, ControlCharactersOfTheFileDoNotReachTheTerminal) {
  const auto error = error_of("\"\\e[31mred\\n\": 1");
  EXPECT_THAT(error, StartsWith("test.yaml:1: "));
  for (const char c : error) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << error;
}

TEST(SettingsParse, HugeAndDeepFilesAreRefused) {
  EXPECT_EQ(error_of(std::string(300 * 1024, '#')), "test.yaml: larger than 256 KiB");
  EXPECT_THAT(error_of(std::string(100'000, '[')), HasSubstr("not valid YAML"));
  std::string aliases = "a: &a [x]\n";
  for (int i = 0; i < 30; ++i) {
    const auto n = std::to_string(i), p = i == 0 ? std::string("a") : "a" + std::to_string(i - 1);
    aliases += "a" + n + ": &a" + n + " [*" + p + ", *" + p + ", *" + p + "]\n";
  }
  EXPECT_THAT(error_of(aliases), HasSubstr("unknown key"));
}

TEST(SettingsLoad, AMissingFileIsNamed) {
  const auto result = load("/nonexistent/parley.yaml");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "/nonexistent/parley.yaml: cannot be read");
  EXPECT_EQ(result.error().code, 2);
}

TEST(Parse, StreamsThatBeginWithTheServer) {
  const auto parsed = parse(
      "streaming:\n  start:\n    - {room: a, url: \"icecast://source:pw@h/m\", codec: mp3, bitrate: 96000}\n"
      "    - room: b\n      url: \"hls:\"\n",
      "x");
  ASSERT_TRUE(parsed) << parsed.error().what;
  ASSERT_EQ(parsed->streaming.start.size(), 2U);
  EXPECT_EQ(parsed->streaming.start[0].codec, "mp3");
  EXPECT_EQ(parsed->streaming.start[0].bitrate, 96'000);
  EXPECT_EQ(parsed->streaming.start[1].room, "b");
  EXPECT_EQ(to_yaml(*parsed).find("pw"), std::string::npos);  // passwords are not shown
  for (const char* bad : {"[x]", "x", "[{room: a}]", "[{url: \"hls:\"}]", "[{room: a, url: \"hls:\", x: 1}]",
                          "[{room: a, url: [1]}]", "[{room: a, url: \"hls:\", bitrate: much}]",
                          "[{room: \"a\\nb\", url: \"hls:\"}]"}) {
    const auto refused = parse("streaming: {start: " + std::string(bad) + "}", "x");
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().what.find("streaming.start"), std::string::npos) << refused.error().what;
  }
}

}  // namespace
}  // namespace parley::settings
