#include "client/recording_info.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "client/cli.hpp"
#include "client/recording_place.hpp"
#include "client/recordings_work.hpp"

namespace parley::client {
namespace {

namespace fs = std::filesystem;

constexpr const char* kText = R"({"version":1,"id":"aB3","room":"standup","state":"finished",
  "started_ms":1795608000000,"duration_ms":10000,
  "participants":[{"id":"p1","name":"alice","consent":true,"joined_ms":0,"left_ms":4000},
                  {"id":"p1","name":"alice","consent":true,"joined_ms":6000,"left_ms":10000},
                  {"id":"p2","name":"bob","consent":false,"joined_ms":0,"left_ms":null},
                  {"id":"p3","name":"bob","consent":true,"joined_ms":1,"left_ms":null}],
  "mixdown":{"file":"mixdown.opus"},
  "tracks":[{"file":"tracks/p1-1.opus","participant":"p1","levels_step_ms":100,"levels":[20,127,-4,900,"x"]},
            {"file":"tracks/../../etc/passwd","participant":"p2"}, {"file":"tracks/p3-1.oga","participant":"p3"}],
  "talks":[{"participant":"p1","from_ms":1000,"to_ms":2000},{"participant":"p3","from_ms":3000,"to_ms":null}],
  "mutes":[{"participant":"p1","at_ms":500,"muted":true},{"participant":"p1","at_ms":700,"muted":false},
           {"participant":"p3","at_ms":9000,"muted":true}],
  "troubles":[{"what":"the disk took nothing","from_ms":1,"to_ms":2}]})";

TEST(RecordingInfo, IsReadAndChecked) {
  const auto info = read_recording_info(kText);
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->running());
  ASSERT_EQ(info->tracks.size(), 2U) << "a path out of the folder is no track";
  EXPECT_EQ(info->tracks[0].levels, (std::vector<std::uint8_t>{20, 127, 0, 127, 127}));
  EXPECT_EQ(info->person("p2")->left_ms, -1);
  for (const char* text : {"", "[]", "{}", R"({"id":"../x"})", R"({"id":7})"})
    EXPECT_FALSE(read_recording_info(text)) << text;
}

TEST(RecordingInfo, PeopleAreFoundByNameAndId) {
  const auto info = *read_recording_info(kText);
  EXPECT_EQ(*participants_called(info, "bob"), (std::vector<std::string>{"p2", "p3"}));
  EXPECT_EQ(*participants_called(info, "p3"), (std::vector<std::string>{"p3"}));
  const auto nobody = participants_called(info, "carol");
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().what.find("\"carol\""), std::string::npos);
  EXPECT_NE(nobody.error().what.find("alice"), std::string::npos) << nobody.error().what;
}

TEST(RecordingInfo, BecomesATimeline) {
  const auto timeline = timeline_of(*read_recording_info(kText));
  ASSERT_EQ(timeline.lanes.size(), 3U);
  EXPECT_NE(timeline.title.find("standup"), std::string::npos);
  EXPECT_NE(timeline.title.find("2026-11-25"), std::string::npos);
  const auto& alice = timeline.lanes[0];
  EXPECT_EQ(alice.present.size(), 2U);
  ASSERT_EQ(alice.mutes.size(), 1U);
  EXPECT_EQ(alice.mutes[0].to_ms, 700);
  EXPECT_EQ(alice.levels.size(), 1U);
  EXPECT_FALSE(timeline.lanes[1].recorded);
  EXPECT_EQ(timeline.lanes[2].talks[0].to_ms, 10'000) << "it lasted to the end";
  EXPECT_EQ(timeline.lanes[2].mutes[0].to_ms, 10'000);
}

TEST(RecordingPlace, LinksAreReadStrictly) {
  const auto link = read_recording_link("https://h:81/api/v1/recordings/aB3?expires=1&signature=ab");
  ASSERT_TRUE(link);
  EXPECT_EQ(link->server.authority(), "h:81");
  EXPECT_TRUE(link->server.tls);
  EXPECT_EQ(link->path, "/api/v1/recordings/aB3");
  EXPECT_EQ(link->query, "?expires=1&signature=ab");
  for (const char* text : {"http://h/api/v1/recordings/", "http://h/api/v1/recordings/a/mixdown?x",
                           "http://h/x", "ftp://h/api/v1/recordings/a", "http://h/api/v1/recordings/a b",
                           "http://h/api/v1/recordings/a\r\nX: y", "aB3"})
    EXPECT_FALSE(read_recording_link(text)) << text;
}

TEST(RecordingPlace, AFolderIsReadAndMistakesNameThings) {
  const auto folder = fs::temp_directory_path() / ("parley-place-" + std::to_string(::getpid()));
  fs::create_directories(folder / "tracks");
  auto place = RecordingPlace::open(folder, {}, {});
  ASSERT_FALSE(place);
  EXPECT_NE(place.error().what.find("recording.json"), std::string::npos);
  EXPECT_EQ(place.error().code, kUsage);
  std::ofstream(folder / "recording.json") << kText;
  std::ofstream(folder / "tracks/p1-1.opus") << "no sound at all, but long enough to be looked at";
  place = RecordingPlace::open(folder, {}, {});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->info().room, "standup");

  RecordingsCommand remix;
  remix.action = RecordingsCommand::Action::remix;
  remix.id = folder;
  remix.output = folder / "out.opus";
  const auto complaint = [&] {
    ::testing::internal::CaptureStderr();
    const int code = run_recordings(remix);
    return std::pair(code, ::testing::internal::GetCapturedStderr());
  };
  auto [code, what] = complaint();
  EXPECT_EQ(code, kFailed);
  EXPECT_NE(what.find("alice (tracks/p1-1.opus): it is neither"), std::string::npos) << what;
  remix.without = {"carol"};
  std::tie(code, what) = complaint();
  EXPECT_EQ(code, kUsage);
  EXPECT_NE(what.find("nobody called \"carol\""), std::string::npos) << what;
  remix.without = {"alice", "bob"};
  std::tie(code, what) = complaint();
  EXPECT_EQ(code, kUsage);
  EXPECT_NE(what.find("nobody is left"), std::string::npos) << what;
  remix.without = {"alice"};  // bob's track is missing
  std::tie(code, what) = complaint();
  EXPECT_EQ(code, kFailed);
  EXPECT_NE(what.find("p3-1.oga"), std::string::npos) << what;
  EXPECT_FALSE(fs::exists(remix.output));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace parley::client
