#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/transport/sdp/samples.hpp"
#include "transport/sdp/session_description.hpp"

namespace parley::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kHead = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n";
constexpr const char* kAudio = "m=audio 9 UDP/TLS/RTP/SAVPF 111\n";

std::string error_of(const std::string& text) {
  const auto result = parse(text);
  return result ? "no error" : result.error().what;
}

TEST(SdpParse, ReadsWhatChromiumWrites) {
  const auto result = parse(kChromium);
  ASSERT_TRUE(result) << result.error().what;
  ASSERT_EQ(result->media.size(), 1u);
  EXPECT_THAT(result->bundle, ElementsAre("0"));
  EXPECT_FALSE(result->ice_lite);
  const Media& audio = result->media.front();
  EXPECT_EQ(audio.kind, "audio");
  EXPECT_EQ(audio.port, 54321);
  EXPECT_EQ(audio.protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_THAT(audio.formats, ElementsAre("111", "63", "9", "0", "8", "13", "110", "126"));
  EXPECT_EQ(audio.connection, "192.0.2.2");
  EXPECT_EQ(audio.mid, "0");
  EXPECT_EQ(audio.direction, Direction::sendrecv);
  EXPECT_TRUE(audio.rtcp_mux);
  EXPECT_EQ(audio.transport.ice_ufrag, "nVyE");
  EXPECT_EQ(audio.transport.ice_pwd, "4R4BhKvQZ8q2cGJvD6eGxMZb");
  EXPECT_EQ(audio.transport.fingerprint, kFingerprint);
  EXPECT_EQ(audio.transport.setup, Setup::actpass);
  ASSERT_EQ(audio.candidates.size(), 1u) << "mDNS and TCP candidates are of no use";
  EXPECT_EQ(audio.candidates[0].address.to_string(), "192.0.2.2:54321");
  EXPECT_EQ(audio.candidates[0].priority, 2122260223u);
  ASSERT_NE(audio.rtpmap(111), nullptr);
  EXPECT_EQ(*audio.rtpmap(111), (RtpMap{111, "opus", 48000, 2}));
  EXPECT_EQ(audio.fmtp(111), "minptime=10;useinbandfec=1");
  EXPECT_EQ(audio.extmaps.size(), 4u);
  ASSERT_FALSE(audio.sources.empty());
  EXPECT_EQ(audio.sources[0], (SourceAttribute{2776395243, "cname", "YWxpY2VfY25hbWU"}));
}

TEST(SdpParse, ReadsTheOtherPeers) {
  const auto firefox = parse(kFirefox);
  ASSERT_TRUE(firefox) << firefox.error().what;
  EXPECT_EQ(firefox->transport.fingerprint, kFingerprint);
  ASSERT_EQ(firefox->media.size(), 2u);
  EXPECT_EQ(firefox->media[1].kind, "application");
  EXPECT_EQ(firefox->media[0].extmaps[1].direction, Direction::recvonly);

  const auto safari = parse(kSafari);
  ASSERT_TRUE(safari) << safari.error().what;
  EXPECT_EQ(safari->media[0].transport.fingerprint, kFingerprint) << "hex digits are read in either case";

  for (const auto& text : {kFfmpeg, kGStreamer, kGateway}) {
    const auto plain = parse(text);
    ASSERT_TRUE(plain) << plain.error().what;
    EXPECT_FALSE(plain->connection.empty());
    EXPECT_EQ(plain->media.size(), 1u);
  }
}

TEST(SdpParse, WhatIsWrittenReadsTheSame) {
  for (const auto& text : {kChromium, kFirefox, kSafari, kFfmpeg, kGStreamer, kGateway}) {
    const auto first = parse(text);
    ASSERT_TRUE(first) << first.error().what;
    const auto again = parse(to_string(*first));
    ASSERT_TRUE(again) << again.error().what << "\n" << to_string(*first);
    EXPECT_EQ(*first, *again) << to_string(*first);
  }
}

TEST(SdpParse, MalformedTextsAreRefusedWithTheirLine) {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::string head = kHead, audio = head + kAudio;
  const Case kCases[] = {
      {"", "line 0: expected v=, o= and s= lines"},
      {"\r\n", "line 1: expected v=, o= and s= lines"},
      {"v=0", "line 1: expected v=, o= and s= lines"},
      {"v=1\n", "line 1: v=: expected 0"},
      {"garbage", "line 1: expected \"<letter>=<value>\""},
      {"o=- 1 1 IN IP4 a\n", "line 1: expected v=, o= and s= to be the first three lines"},
      {"v=0\ns=-\n", "line 2: expected v=, o= and s= to be the first three lines"},
      {"v=0\no=-\n", "line 2: o=: expected \"<user> <id> <version> IN IP4|IP6 <address>\""},
      {"v=0\no=- x 1 IN IP4 a\n", "line 2: o=: expected \"<user> <id> <version> IN IP4|IP6 <address>\""},
      {"v=0\no=- 1 1 IN IP4 a\ns=-\n", "line 3: expected a t= line"},
      {"v=0\no=- 1 1 IN IP4 a\ns=-\nm=audio 9 RTP/AVP 0\n",
       "line 4: expected a t= line before the first m= line"},
      {"v=0\no=- 1 1 IN IP4 a\ns=-\nt=now then\n", "line 4: t=: expected \"<start> <stop>\""},
      {"v=0\no=- 1 1 IN IP4 a\ns=-\na=x\nt=0 0\n", "line 5: out of order (RFC 8866 section 5)"},
      {head + "v=0\n", "line 5: out of order (RFC 8866 section 5)"},
      {head + "\n" + kAudio, "line 5: expected \"<letter>=<value>\""},
      {head + "q=1\n", "line 5: unknown line type at this place"},
      {audio + "t=0 0\n", "line 6: unknown line type at this place"},
      {audio + "a=mid:0\nc=IN IP4 192.0.2.1\n", "line 7: out of order (RFC 8866 section 5)"},
      {audio + std::string("a=\0x", 4), "line 6: holds a control character"},
      {audio + "a=mid:0\rx\n", "line 6: holds a control character"},
      {audio + "c=IN IP4\n", "line 6: c=: expected \"IN IP4|IP6 <address>\""},
      {audio + "c=ATM NSAP x\n", "line 6: c=: expected \"IN IP4|IP6 <address>\""},
      {head + "m=audio\n", "line 5: m=: expected \"<media> <port> <protocol> <format> ...\""},
      {head + "m=audio 9 RTP/AVP\n", "line 5: m=: expected \"<media> <port> <protocol> <format> ...\""},
      {head + "m=audio 65536 RTP/AVP 0\n", "line 5: m=: expected \"<media> <port> <protocol> <format> ...\""},
      {head + "m=audio -1 RTP/AVP 0\n", "line 5: m=: expected \"<media> <port> <protocol> <format> ...\""},
      {head + "m=audio 9/0 RTP/AVP 0\n", "line 5: m=: expected \"<media> <port> <protocol> <format> ...\""},
      {head + "m=audio 9  RTP/AVP 0\n", "line 5: m=: expected \"<media> <port> <protocol> <format> ...\""},
      {head + "m=audio 9 RTP/AVP 128\n", "line 5: m=: expected payload types from 0 to 127"},
      {head + "m=audio 9 RTP/AVP opus\n", "line 5: m=: expected payload types from 0 to 127"},
      {audio + "a=rtpmap:111\n",
       "line 6: a=rtpmap: expected \"<payload type> <encoding>/<clock rate>[/<channels>]\", once per payload "
       "type"},
      {audio + "a=rtpmap:111 opus/0/2\n",
       "line 6: a=rtpmap: expected \"<payload type> <encoding>/<clock rate>[/<channels>]\", once per payload "
       "type"},
      {audio + "a=rtpmap:111 opus/99999999999/2\n",
       "line 6: a=rtpmap: expected \"<payload type> <encoding>/<clock rate>[/<channels>]\", once per payload "
       "type"},
      {audio + "a=rtpmap:111 opus/48000/2\na=rtpmap:111 PCMU/8000\n",
       "line 7: a=rtpmap: expected \"<payload type> <encoding>/<clock rate>[/<channels>]\", once per payload "
       "type"},
      {audio + "a=fmtp:999 x\n", "line 6: a=fmtp: expected \"<payload type> <parameters>\""},
      {audio + "a=ice-ufrag:abc\n", "line 6: a=ice-ufrag: expected 4 to 256 of [A-Za-z0-9+/], once"},
      {audio + "a=ice-ufrag:ab:cd\n", "line 6: a=ice-ufrag: expected 4 to 256 of [A-Za-z0-9+/], once"},
      {audio + "a=ice-ufrag:" + std::string(257, 'a') + "\n",
       "line 6: a=ice-ufrag: expected 4 to 256 of [A-Za-z0-9+/], once"},
      {audio + "a=ice-ufrag:abcd\na=ice-ufrag:efgh\n",
       "line 7: a=ice-ufrag: expected 4 to 256 of [A-Za-z0-9+/], once"},
      {audio + "a=ice-pwd:" + std::string(21, 'a') + "\n",
       "line 6: a=ice-pwd: expected 22 to 256 of [A-Za-z0-9+/], once"},
      {audio + "a=ice-pwd:" + std::string(257, 'a') + "\n",
       "line 6: a=ice-pwd: expected 22 to 256 of [A-Za-z0-9+/], once"},
      {audio + "a=fingerprint:sha-256 AB:CD\n",
       "line 6: a=fingerprint: expected \"<hash function> <hex bytes parted by colons>\" of that hash's "
       "length"},
      {audio + "a=fingerprint:sha-256\n",
       "line 6: a=fingerprint: expected \"<hash function> <hex bytes parted by colons>\" of that hash's "
       "length"},
      {audio + "a=fingerprint:sha-1 ABCD\n",
       "line 6: a=fingerprint: expected \"<hash function> <hex bytes parted by colons>\" of that hash's "
       "length"},
      {audio + "a=setup:both\n", "line 6: a=setup: expected actpass, active, passive or holdconn, once"},
      {audio + "a=sendrecv:x\n", "line 6: a=sendrecv: expected one direction without a value"},
      {audio + "a=sendonly\na=recvonly\n", "line 7: a=recvonly: expected one direction without a value"},
      {audio + "a=mid:\n", "line 6: a=mid: expected a token of at most 64 characters, once"},
      {audio + "a=mid:" + std::string(65, 'm') + "\n",
       "line 6: a=mid: expected a token of at most 64 characters, once"},
      {audio + "a=extmap:0 urn:x\n", "line 6: a=extmap: expected \"<1-4351>[/<direction>] <URI>\""},
      {audio + "a=extmap:1/up urn:x\n", "line 6: a=extmap: expected \"<1-4351>[/<direction>] <URI>\""},
      {audio + "a=extmap:1\n", "line 6: a=extmap: expected \"<1-4351>[/<direction>] <URI>\""},
      {audio + "a=ssrc:4294967296 cname:x\n", "line 6: a=ssrc: expected \"<ssrc> <attribute>[:<value>]\""},
      {audio + "a=ptime:0\n", "line 6: a=ptime: expected milliseconds from 1 to 1000, once"},
      {audio + "a=ptime:65535\n", "line 6: a=ptime: expected milliseconds from 1 to 1000, once"},
      {audio + "a=ptime:-20\n", "line 6: a=ptime: expected milliseconds from 1 to 1000, once"},
      {audio + "a=maxptime:1e3\n", "line 6: a=maxptime: expected milliseconds from 1 to 1000, once"},
      {audio + "a=candidate:1 1 udp 1 192.0.2.1 65536 typ host\n",
       "line 6: a=candidate: expected \"<foundation> <component> <transport> <priority> <address> <port> typ "
       "<type>\""},
      {audio + "a=candidate:1 0 udp 1 192.0.2.1 5 typ host\n",
       "line 6: a=candidate: expected \"<foundation> <component> <transport> <priority> <address> <port> typ "
       "<type>\""},
      {audio + "a=candidate:1 1 udp 1 192.0.2.1 5\n",
       "line 6: a=candidate: expected \"<foundation> <component> <transport> <priority> <address> <port> typ "
       "<type>\""},
      {audio + "a=mid:0\n" + kAudio + "a=mid:0\n", "line 8: two m= sections have the same a=mid"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(error_of(c.text), c.error) << c.text;
    const auto result = parse(c.text);
    ASSERT_FALSE(result) << c.text;
    EXPECT_EQ(result.error().code, kMalformed);
  }
}

TEST(SdpParse, WhatIsForeignButWellFormedIsIgnored) {
  const std::string lines[] = {
      "a=unknown\n",
      "a=rtcp-fb:111 transport-cc\n",
      "a=fingerprint:sha-1 AB:CD\n",  // too weak to identify anyone
      "a=candidate:1 2 udp 1 192.0.2.1 5 typ host\n",
      "a=candidate:1 1 udp 1 fe80::1%eth0 5 typ host\n",
      "a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active\n",
      "a=ice-lite\n",  // means something at the session level only
      "a=group:BUNDLE 0\n",
  };
  const auto bare = parse(std::string(kHead) + kAudio);
  ASSERT_TRUE(bare);
  for (const auto& line : lines) {
    const auto result = parse(std::string(kHead) + kAudio + line);
    ASSERT_TRUE(result) << line << result.error().what;
    EXPECT_EQ(*result, *bare) << line;
  }
}

TEST(SdpParse, LineEndsMayBeBareAndTheLastMissing) {
  for (std::string text :
       {std::string(kHead) + kAudio, crlf(std::string(kHead) + kAudio),
        std::string(kHead) + "m=audio 9 UDP/TLS/RTP/SAVPF 111", std::string(kHead) + kAudio + "\r\n\n"}) {
    EXPECT_TRUE(parse(text)) << text;
  }
}

TEST(SdpParse, TheStrongestFingerprintWeTakeIsKept) {
  std::string sha512 = "sha-512 AA";
  for (int i = 1; i < 64; ++i) sha512 += ":AA";
  const std::string weak = "a=fingerprint:sha-1 AB:CD\n",
                    good = "a=fingerprint:" + std::string(kFingerprint) + "\n";
  for (const auto& lines :
       {weak + good + "a=fingerprint:" + sha512 + "\n", "a=fingerprint:" + sha512 + "\n" + good + weak}) {
    const auto result = parse(std::string(kHead) + kAudio + lines);
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->media[0].transport.fingerprint, sha512);
  }
}

TEST(SdpParse, FractionsOfAMillisecondAreCutOff) {
  const auto result = parse(std::string(kHead) + kAudio + "a=ptime:22.5\n");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->media[0].ptime_ms, 22u);
}

TEST(SdpParse, TextsBeyondTheLimitsAreRefusedAtOnce) {
  const std::string audio = std::string(kHead) + kAudio;
  std::string many_lines = audio, many_media = kHead, crowd = audio;
  for (int i = 0; i < 100'000; ++i) many_lines += "a=\n";
  for (int i = 0; i < 1000; ++i) many_media += "m=audio 9 RTP/AVP 0\n";
  for (int i = 0; i < 990; ++i) crowd += "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\n";
  std::string below_64k = audio;
  for (int i = 0; i < 2000; ++i) below_64k += "a=\n";

  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of(many_lines), "line 0: longer than 64 KiB");
  EXPECT_EQ(error_of(below_64k), "line 1001: more than 1000 lines");
  EXPECT_EQ(error_of(many_media), "line 21: more than 16 m= lines");
  EXPECT_EQ(error_of(audio + "a=" + std::string(1'000'000, 'x')), "line 0: longer than 64 KiB");
  EXPECT_EQ(error_of(audio + "a=" + std::string(5000, 'x')), "line 6: longer than 4 KiB");
  const auto crowded = parse(crowd);
  ASSERT_TRUE(crowded);
  EXPECT_EQ(crowded->media[0].candidates.size(), 32u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
}

TEST(SdpDirection, ReversingTwiceIsNothing) {
  EXPECT_EQ(reversed(Direction::sendonly), Direction::recvonly);
  for (const auto d : {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive}) {
    EXPECT_EQ(reversed(reversed(d)), d);
    EXPECT_EQ(make_direction(sends(d), receives(d)), d);
  }
}

}  // namespace
}  // namespace parley::sdp
