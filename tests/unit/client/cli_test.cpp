#include "client/cli.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace parley::client {
namespace {

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

template <typename T>
T parsed(const std::string& line, const std::string& key = {}) {
  const auto result = parse_command_line(words(line), key);
  if (const auto* advice = std::get_if<Advice>(&result)) {
    ADD_FAILURE() << line << ": " << advice->err;
    return {};
  }
  return std::get<T>(std::get<Command>(result));
}

Advice advice(const std::vector<std::string>& args) {
  const auto result = parse_command_line(args);
  if (std::holds_alternative<Command>(result)) {
    ADD_FAILURE() << "was understood";
    return {};
  }
  return std::get<Advice>(result);
}

TEST(CommandLine, CallsAndAnswers) {
  const auto call = parsed<CallCommand>(
      "call bob --name ann --key k-1 --token t.t.t --input silence --output null --duration 3m --json");
  EXPECT_EQ(call.peer, "bob");
  EXPECT_EQ(call.join.session.name, "ann");
  EXPECT_EQ(call.key, "k-1");
  EXPECT_EQ(call.token, "t.t.t");
  EXPECT_EQ(call.join.duration_s, 180);
  EXPECT_TRUE(call.join.json);
  const auto answer = parsed<AnswerCommand>("answer --as bob --auto --once --server http://h:1");
  EXPECT_EQ(answer.join.session.name, "bob");
  EXPECT_TRUE(answer.automatic);
  EXPECT_TRUE(answer.once);
  EXPECT_EQ(answer.join.session.server.authority(), "h:1");
  EXPECT_FALSE(parsed<AnswerCommand>("answer").automatic);
  EXPECT_EQ(advice({"call"}).exit_code, kUsage);
  const auto bad_key = advice({"answer", "--key", "a b"});
  EXPECT_EQ(bad_key.exit_code, kUsage);
  EXPECT_NE(bad_key.err.find("--key"), std::string::npos) << bad_key.err;
}

TEST(CommandLine, LengthsOfTime) {
  const std::pair<const char*, double> right[] = {
      {"12", 12},    {"12s", 12},  {"3m", 180},   {"1h", 3600},    {"1h30m", 5400},
      {"1m30s", 90}, {"0.5", 0.5}, {"2.5s", 2.5}, {"250ms", 0.25}, {"168h", 604800}};
  for (const auto& [text, seconds] : right)
    EXPECT_EQ(parsed<JoinCommand>(std::string("join r --duration ") + text).duration_s, seconds) << text;
  for (const char* wrong : {"soon", "12x", "s", "3m2h", "1m1m", "12s3", "-5s", "1e3", "nan", "inf", "0",
                            "0.05s", "169h", "99999999999999999999999999h"}) {
    const auto refused = advice({"join", "r", "--duration", wrong});
    EXPECT_EQ(refused.exit_code, kUsage) << wrong;
    EXPECT_NE(refused.err.find("--duration"), std::string::npos) << refused.err;
  }
  EXPECT_FALSE(parsed<JoinCommand>("join r").duration_s);
}

TEST(CommandLine, StreamsAreStartedStoppedAndListed) {
  const auto start =
      parsed<StreamCommand>("stream start demo rtmp://h/a/k --bitrate 96000 --video black", "key");
  EXPECT_EQ(start.action, StreamCommand::Action::start);
  EXPECT_EQ(start.room, "demo");
  EXPECT_EQ(start.url, "rtmp://h/a/k");
  EXPECT_EQ(start.bitrate, 96'000);
  EXPECT_EQ(start.video, "black");
  EXPECT_EQ(start.key, "key");
  const auto stop = parsed<StreamCommand>("streams stop demo s1 --server http://h:1 --admin-key other");
  EXPECT_EQ(stop.action, StreamCommand::Action::stop);
  EXPECT_EQ(stop.stream, "s1");
  EXPECT_EQ(stop.server.authority(), "h:1");
  EXPECT_EQ(stop.key, "other");
  EXPECT_TRUE(parsed<StreamCommand>("stream list demo --json").json);
  EXPECT_EQ(advice({"stream", "start", "demo"}).exit_code, kUsage);
  EXPECT_EQ(advice({"stream", "start", "demo", "hls:", "--codec", "flac"}).exit_code, kUsage);
}

TEST(CommandLine, RecordingsAreRemixedDrawnAndPlayed) {
  const auto remix = parsed<RecordingsCommand>(
      "recordings remix aB3 --gain alice=+3 --gain a=b=-4.5 --without bob --without carol --normalize -o "
      "x.flac");
  EXPECT_EQ(remix.action, RecordingsCommand::Action::remix);
  EXPECT_EQ(remix.gains, (std::vector<std::pair<std::string, double>>{{"alice", 3}, {"a=b", -4.5}}));
  EXPECT_EQ(remix.without, (std::vector<std::string>{"bob", "carol"}));
  EXPECT_EQ(remix.format, remix::FileFormat::flac);
  EXPECT_TRUE(remix.normalize);
  EXPECT_EQ(remix.target_lufs, -18);
  EXPECT_EQ(parsed<RecordingsCommand>("recordings remix a -o x --format m4a").format, remix::FileFormat::m4a);
  const auto play = parsed<RecordingsCommand>("recordings play aB3 --track bob --output null");
  EXPECT_EQ(play.track, "bob");
  EXPECT_EQ(play.sink.kind, OutputSpec::Kind::null);
  EXPECT_EQ(parsed<RecordingsCommand>("recordings play aB3").sink.kind, OutputSpec::Kind::speaker);
  EXPECT_EQ(parsed<RecordingsCommand>("recordings waveform a -o x.svg").output, "x.svg");
  for (const char* gain : {"alice", "=3", "alice=", "alice=loud", "alice=+3dB", "alice=25", "alice=-61",
                           "alice=nan", "alice=++3"}) {
    const auto refused = advice({"recordings", "remix", "a", "-o", "x.wav", "--gain", gain});
    EXPECT_EQ(refused.exit_code, kUsage) << gain;
    EXPECT_NE(refused.err.find(gain), std::string::npos) << refused.err;
  }
  EXPECT_EQ(advice({"recordings", "remix", "a", "-o", "x.mp3"}).exit_code, kUsage);
  EXPECT_EQ(advice({"recordings", "remix", "a", "-o", "x"}).exit_code, kUsage);
  EXPECT_EQ(advice({"recordings", "remix", "a"}).exit_code, kUsage);
  EXPECT_EQ(advice({"recordings", "waveform", "a", "-o", "x.gif"}).exit_code, kUsage);
}

TEST(CommandLine, SoundsArePlayedListedAndStopped) {
  const auto play = parsed<PlayCommand>("play demo jingle.wav --loop --gain -6 --duck -20");
  EXPECT_EQ(play.action, PlayCommand::Action::play);
  EXPECT_EQ(play.file, "jingle.wav");
  EXPECT_TRUE(play.loop);
  EXPECT_EQ(play.gain_db, -6);
  EXPECT_EQ(play.duck_db, -20);
  const auto tone = parsed<PlayCommand>("play demo --tone 440 --seconds 2 --announce");
  EXPECT_EQ(tone.tone, 440);
  EXPECT_EQ(tone.seconds, 2);
  EXPECT_TRUE(tone.announce);
  EXPECT_FALSE(tone.duck_db);
  EXPECT_EQ(parsed<PlayCommand>("play demo --list").action, PlayCommand::Action::list);
  EXPECT_EQ(parsed<PlayCommand>("play demo --stop").action, PlayCommand::Action::stop);
  for (const char* bad :
       {"play demo", "play demo a.wav --tone 440", "play demo a.wav --stop", "play demo --tone 5"})
    EXPECT_EQ(advice(words(bad)).exit_code, kUsage) << bad;
}

TEST(CommandLine, JoinHasDefaults) {
  const auto join = parsed<JoinCommand>("join demo");
  EXPECT_EQ(join.session.room, "demo");
  EXPECT_EQ(join.session.server.authority(), "127.0.0.1:8080");
  EXPECT_TRUE(join.session.encrypted);
  EXPECT_EQ(join.session.codec, Codec::opus);
  EXPECT_EQ(join.session.ptime, 20ms);
  EXPECT_EQ(join.session.bitrate, 32'000);
  EXPECT_TRUE(join.session.dtx);
  EXPECT_TRUE(join.session.fec);
  EXPECT_TRUE(join.session.sends);
  EXPECT_EQ(join.input.kind, InputSpec::Kind::microphone);
  EXPECT_EQ(join.output.kind, OutputSpec::Kind::speaker);
  EXPECT_FALSE(join.duration_s);
  EXPECT_FALSE(join.json);
}

TEST(CommandLine, HttpsAndWhomToTrust) {
  const auto rooms = parsed<RoomsCommand>("rooms --server https://meet.example.org --insecure");
  EXPECT_TRUE(rooms.server.tls);
  EXPECT_TRUE(rooms.server.trust.anybody);
  EXPECT_FALSE(parsed<RoomsCommand>("rooms --server https://meet.example.org").server.trust.anybody);
}

TEST(CommandLine, JoinTakesEverything) {
  const auto join = parsed<JoinCommand>(
      "join demo --server http://[::1]:99 --name Ada --pin 12 --token abc --input tone:440,steady,amp=0.2 "
      "--output out.wav --duration 2.5 --json --transport rtp --codec pcma --ptime 40 --bitrate 24000 "
      "--no-dtx "
      "--no-fec --fixed --loop");
  EXPECT_EQ(join.session.server.authority(), "[::1]:99");
  EXPECT_EQ(join.session.name, "Ada");
  EXPECT_EQ(join.session.pin, "12");
  EXPECT_EQ(join.session.token, "abc");
  EXPECT_EQ(join.input.kind, InputSpec::Kind::tone);
  EXPECT_EQ(join.input.tone, (ToneSource::Settings{440, 0.2, true}));
  EXPECT_EQ(join.output.kind, OutputSpec::Kind::file);
  EXPECT_EQ(join.output.path, "out.wav");
  EXPECT_EQ(join.duration_s, 2.5);
  EXPECT_TRUE(join.json);
  EXPECT_FALSE(join.session.encrypted);
  EXPECT_EQ(join.session.codec, Codec::pcma);
  EXPECT_EQ(join.session.ptime, 40ms);
  EXPECT_EQ(join.session.bitrate, 24'000);
  EXPECT_FALSE(join.session.dtx);
  EXPECT_FALSE(join.session.fec);
  EXPECT_FALSE(join.session.adapt);
  EXPECT_TRUE(join.loop);
}

TEST(CommandLine, ListenOnlyOpensNoMicrophone) {
  const auto join = parsed<JoinCommand>("join demo --listen-only");
  EXPECT_FALSE(join.session.sends);
  EXPECT_EQ(join.input.kind, InputSpec::Kind::silence);
}

TEST(CommandLine, Moderation) {
  using Action = ModerateCommand::Action;
  struct Row {
    const char* line;
    Action action;
  };
  const Row rows[] = {{"mute demo bob", Action::mute},
                      {"unmute demo bob", Action::unmute},
                      {"kick demo bob", Action::kick},
                      {"gain demo bob 3", Action::gain}};
  for (const auto& row : rows) {
    const auto command = parsed<ModerateCommand>(row.line);
    EXPECT_EQ(command.action, row.action) << row.line;
    EXPECT_EQ(command.room, "demo");
    EXPECT_EQ(command.participant, "bob");
  }
  EXPECT_EQ(parsed<ModerateCommand>("lock demo").action, Action::lock);
  EXPECT_EQ(parsed<ModerateCommand>("unlock demo").action, Action::unlock);
}

TEST(CommandLine, GainMayBeNegativeAndForOneListener) {
  const auto command = parsed<ModerateCommand>("gain demo bob -6.5 --listener ada");
  EXPECT_EQ(command.db, -6.5);
  EXPECT_EQ(command.listener, "ada");
}

TEST(CommandLine, WhisperNamesWhoShallHearIt) {
  const auto whisper = parsed<WhisperCommand>("whisper demo ada bob cem --duck -12");
  EXPECT_EQ(whisper.room, "demo");
  EXPECT_EQ(whisper.talker, "ada");
  EXPECT_EQ(whisper.to, (std::vector<std::string>{"bob", "cem"}));
  EXPECT_EQ(whisper.duck_db, -12);
  EXPECT_TRUE(parsed<WhisperCommand>("whisper demo ada").to.empty());
}

TEST(CommandLine, DoctorMayCheckOnlySomething) {
  EXPECT_EQ(parsed<DoctorCommand>("doctor").checks.size(), 4U);
  EXPECT_EQ(parsed<DoctorCommand>("doctor --only server").checks, std::vector<Check>{Check::server});
  EXPECT_EQ(parsed<DoctorCommand>("doctor --only sound software").checks,
            (std::vector<Check>{Check::sound, Check::software}));
}

TEST(CommandLine, TheKeyComesFromTheEnvironmentUnlessGiven) {
  EXPECT_EQ(parsed<RoomsCommand>("rooms", "secret").key, "secret");
  EXPECT_EQ(parsed<RoomsCommand>("rooms --admin-key other", "secret").key, "other");
  EXPECT_EQ(parsed<DoctorCommand>("doctor --json", "secret").key, "secret");
}

TEST(CommandLine, MistakesAreUsageErrorsThatSayWhat) {
  struct Row {
    const char* line;
    const char* says;
  };
  const Row rows[] = {
      {"", "subcommand"},
      {"sing demo", "sing"},
      {"join", "ROOM"},
      {"join demo --ptime 30", "ptime"},
      {"join demo --codec mp3", "codec"},
      {"join demo --bitrate 5", "bitrate"},
      {"join demo --transport tcp", "transport"},
      {"join demo --duration -1", "duration"},
      {"join demo --input tone:", "20 to 20000"},
      {"join demo --input tone:5", "20 to 20000"},
      {"join demo --input tone:440,loud", "loud"},
      {"join demo --input tone:440,amp=2", "amp"},
      {"join demo --frobnicate", "frobnicate"},
      {"gain demo bob 13", "DB"},
      {"gain demo bob", "DB"},
      {"doctor --only everything", "only"},
      {"whisper demo ada bob --duck 3", "duck"},
  };
  for (const auto& row : rows) {
    const auto told = advice(words(row.line));
    EXPECT_EQ(told.exit_code, kUsage) << row.line;
    EXPECT_NE(told.err.find(row.says), std::string::npos) << row.line << ": " << told.err;
    EXPECT_TRUE(told.out.empty()) << row.line;
  }
}

TEST(CommandLine, HelpTellsExitCodesAndEveryCommand) {
  const auto help = advice({"--help"});
  EXPECT_EQ(help.exit_code, kOk);
  for (const char* word : {"join", "rooms", "mute", "unmute", "kick", "lock", "unlock", "gain", "whisper",
                           "doctor", "Exit codes"})
    EXPECT_NE(help.out.find(word), std::string::npos) << word;
  const auto join = advice({"join", "--help"});
  for (const char* word : {"--input", "tone:HZ", "--listen-only", "Exit codes"})
    EXPECT_NE(join.out.find(word), std::string::npos) << word;
  EXPECT_EQ(advice({"--version"}).out.rfind("parley ", 0), 0U);
}

}  // namespace
}  // namespace parley::client
