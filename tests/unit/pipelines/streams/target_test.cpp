#include "pipelines/streams/target.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace parley::streams {
namespace {

TEST(StreamTarget, ReadsEveryKindOfUrl) {
  const auto icecast = parse_target("icecast://dj:p%40ss%2Fword@radio.example:8010/standup.opus");
  ASSERT_TRUE(icecast) << icecast.error().what;
  EXPECT_EQ(icecast->kind, Kind::icecast);
  EXPECT_EQ(icecast->host, "radio.example");
  EXPECT_EQ(icecast->port, 8010);
  EXPECT_EQ(icecast->path, "/standup.opus");
  EXPECT_EQ(icecast->user, "dj");
  EXPECT_EQ(icecast->password, "p@ss/word");

  const auto rtmp = parse_target("rtmp://live.example/app/key?token=a-b");
  ASSERT_TRUE(rtmp) << rtmp.error().what;
  EXPECT_EQ(rtmp->port, 1935);
  EXPECT_EQ(rtmp->path, "app/key?token=a-b");

  const auto srt = parse_target(
      "srt://"
      "[2001:db8::1]:9000?mode=caller&passphrase=0123456789&pbkeylen=32&streamid=%23!::r=x&latency=200");
  ASSERT_TRUE(srt) << srt.error().what;
  EXPECT_EQ(srt->host, "2001:db8::1");
  EXPECT_EQ(srt->srt.passphrase, "0123456789");
  EXPECT_EQ(srt->srt.stream_id, "#!::r=x");
  EXPECT_EQ(srt->srt.key_bytes, 32);
  EXPECT_EQ(srt->srt.latency_ms, 200);

  const auto listener = parse_target("srt://:9000?mode=listener");
  ASSERT_TRUE(listener) << listener.error().what;
  EXPECT_TRUE(listener->srt.listener);
  EXPECT_EQ(listener->host, "0.0.0.0");

  EXPECT_EQ(parse_target("rtp://10.0.0.1:5004")->port, 5004);
  EXPECT_EQ(parse_target("hls:")->kind, Kind::hls);
  EXPECT_EQ(parse_target("hls:")->segments, Segments::ts);
  EXPECT_EQ(parse_target("hls:?segments=ts")->segments, Segments::ts);
  EXPECT_EQ(parse_target("hls:?segments=fmp4")->segments, Segments::fmp4);
  EXPECT_EQ(parse_target("file:standup.opus")->path, "standup.opus");
  EXPECT_EQ(parse_target("RTMPS://A.example/x/y")->port, 443);
  EXPECT_EQ(parse_target("icecast://pw@h/m")->user, "source");
}

struct Bad {
  const char* url;
  const char* says;
  friend void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.says; }
};
class BadStreamTarget : public testing::TestWithParam<Bad> {};

TEST_P(BadStreamTarget, IsRefusedByName) {
  const auto target = parse_target(GetParam().url);
  ASSERT_FALSE(target) << GetParam().url;
  EXPECT_NE(target.error().what.find(GetParam().says), std::string::npos) << target.error().what;
}

INSTANTIATE_TEST_SUITE_P(
    Urls, BadStreamTarget,
    testing::Values(Bad{"", "1 to 2048"}, Bad{"http://a.example/x", "unknown scheme"},
                    Bad{"gopher:", "unknown scheme"}, Bad{"/etc/passwd", "unknown scheme"},
                    Bad{"rtmp:a/b", "//"}, Bad{"rtmp://h/app", "stream name"}, Bad{"rtmp://h:0/a/b", "port"},
                    Bad{"rtmp://h:65536/a/b", "port"}, Bad{"rtmp://h:1x/a/b", "port"},
                    Bad{"rtmp:///a/b", "host is missing"}, Bad{"rtmp://[::1/a/b", "no host name"},
                    Bad{"rtmp://[10.0.0.1.2]/a/b", "brackets"}, Bad{"rtmp://a..b/a/b", "no host name"},
                    Bad{"rtmp://h/a/b c", "printable"}, Bad{"rtmp://h/a/b\r\nX: y", "printable"},
                    Bad{"rtmp://h/a/b\"!x", "stream name"}, Bad{"icecast://h/m", "password"},
                    Bad{"icecast://u:p%0d%0aX@h/m", "control"}, Bad{"icecast://u:p%2@h/m", "badly coded"},
                    Bad{"icecast://u:p@h/", "mount"}, Bad{"icecast://u:p@h", "mount"},
                    Bad{"icecast://u:p@h/../x", "mount"}, Bad{"icecast://u:p@h/a?b=c", "mount"},
                    Bad{"icecast://u:p@h/a#b", "fragment"}, Bad{"srt://h", "needs a port"},
                    Bad{"srt://:9000", "caller needs a host"}, Bad{"srt://u:p@h:9", "no user"},
                    Bad{"srt://h:9?passphrase=short", "10 to 79"}, Bad{"srt://h:9?mode=rendezvous", "mode"},
                    Bad{"srt://h:9?x=y", "unknown SRT"}, Bad{"srt://h:9?mode=caller&mode=caller", "twice"},
                    Bad{"srt://h:9?pbkeylen=17", "pbkeylen"}, Bad{"srt://h:9?latency=99999", "latency"},
                    Bad{"srt://h:9/path", "no path"}, Bad{"srt://h:9?mode", "without a value"},
                    Bad{"rtp://h:5004/x", "host and a port only"}, Bad{"rtp://h", "needs a port"},
                    Bad{"hls:x", "segments"}, Bad{"hls://x", "segments"},
                    Bad{"hls:?segments=mp4", "segments"}, Bad{"file:", "one name"},
                    Bad{"file:///etc/x.opus", "one name"}, Bad{"file:../x.opus", "one name"},
                    Bad{"file:a/b.opus", "one name"}, Bad{"file:.opus", "one name"},
                    Bad{"file:x.sh", "must end in"}, Bad{"file:x.opus.sh", "must end in"}));

TEST(StreamTarget, TellsNoSecrets) {
  const char* const secrets[] = {"s3cret", "KEY77", "0123456789", "pub77"};
  for (const char* url : {"icecast://dj:s3cret@radio.example/m", "rtmp://u:s3cret@h/app/KEY77?t=s3cret",
                          "rtmps://h/app/inst/KEY77", "srt://h:9?passphrase=0123456789&streamid=pub77",
                          "rtp://h:9", "hls:", "hls:?segments=fmp4", "file:x.mp3"}) {
    const auto target = parse_target(url);
    ASSERT_TRUE(target) << url;
    for (const char* secret : secrets)
      EXPECT_EQ(redacted(*target).find(secret), std::string::npos) << redacted(*target);
  }
  EXPECT_EQ(redacted(*parse_target("icecast://dj:s3cret@radio.example/m")), "icecast://radio.example:8000/m");
  EXPECT_EQ(redacted(*parse_target("rtmp://h/app/KEY77")), "rtmp://h:1935/app/***");
  EXPECT_EQ(redacted(*parse_target("srt://[::1]:9?passphrase=0123456789")), "srt://[::1]:9");
  // Nor do the words of others.
  EXPECT_EQ(without_secrets(*parse_target("rtmp://u:s3cret@h/app/KEY77?sig=abcd&x=y"),
                            "publish of KEY77 (app/KEY77?sig=abcd&x=y) for u with s3cret, sig abcd: denied"),
            "publish of *** (app/***) for u with ***, *** ***: denied");
  EXPECT_EQ(
      without_secrets(*parse_target("srt://h:9?passphrase=0123456789&streamid=pub77"), "pub77: 0123456789"),
      "***: ***");
  EXPECT_EQ(
      without_secrets(*parse_target("icecast://dj:s3cret@radio.example/m"), "radio.example: s3crets3cret"),
      "radio.example: ******");
  // Nor do errors.
  const auto bad = parse_target("icecast://dj:s3cret@radio.example/bad mount");
  EXPECT_EQ(bad.error().what.find("s3cret"), std::string::npos);
}

TEST(StreamTarget, ChoosesTheCoding) {
  const auto choose = [](const char* url, const char* codec, std::int64_t bitrate) {
    return choose_coding(*parse_target(url), codec, bitrate);
  };
  EXPECT_EQ(choose("icecast://p@h/m", "", 0)->format, Format::opus);
  EXPECT_EQ(choose("icecast://p@h/m", "mp3", 0)->bitrate, 128'000);
  EXPECT_EQ(choose("rtmp://h/a/b", "", 0)->format, Format::aac);
  EXPECT_EQ(choose("rtmp://h/a/b", "", 100'000)->bitrate, 128'000);
  EXPECT_EQ(choose("file:x.mp3", "", 64'000)->format, Format::mp3);
  EXPECT_EQ(choose("srt://h:1", "opus", 0)->format, Format::opus);
  EXPECT_FALSE(choose("rtmp://h/a/b", "opus", 0));
  EXPECT_FALSE(choose("rtmp://h/a/b", "", 1000));
  EXPECT_FALSE(choose("icecast://p@h/m", "", 64'000));
  EXPECT_FALSE(choose("icecast://p@h/m", "flac", 0));
}

}  // namespace
}  // namespace parley::streams
