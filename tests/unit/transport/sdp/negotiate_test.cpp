#include "transport/sdp/negotiate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/transport/sdp/samples.hpp"

namespace parley::sdp {
namespace {

using testing::HasSubstr;

NegotiatedLeg accept(const std::string& text) {
  const auto offer = parse(text);
  EXPECT_TRUE(offer) << offer.error().what;
  if (!offer) return {};
  auto leg = accept_offer(*offer);
  EXPECT_TRUE(leg) << leg.error().what;
  return leg ? std::move(leg).value() : NegotiatedLeg{};
}

// "406 no common codec ...", or "taken".
std::string refusal(const std::string& text) {
  const auto offer = parse(text);
  if (!offer) return std::to_string(offer.error().code) + " " + offer.error().what;
  const auto leg = accept_offer(*offer);
  return leg ? "taken" : std::to_string(leg.error().code) + " " + leg.error().what;
}

TEST(AcceptOffer, Chromium) {
  const auto leg = accept(kChromium);
  EXPECT_TRUE(leg.encrypted);
  EXPECT_EQ(leg.codec, Codec::opus);
  EXPECT_EQ(leg.payload_type, 111);
  EXPECT_EQ(leg.direction, Direction::sendrecv);
  EXPECT_TRUE(leg.opus.use_fec);
  EXPECT_TRUE(leg.opus.use_dtx);
  EXPECT_FALSE(leg.opus.stereo);
  EXPECT_EQ(leg.opus.minptime_ms, 10u);
  EXPECT_EQ(leg.audio_level_id, 1);
  EXPECT_EQ(leg.mixer_level_id, 0);
  EXPECT_EQ(leg.remote_ufrag, "nVyE");
  EXPECT_EQ(leg.remote_pwd, "4R4BhKvQZ8q2cGJvD6eGxMZb");
  EXPECT_EQ(leg.remote_fingerprint, kFingerprint);
  EXPECT_EQ(leg.setup, Setup::passive);
  EXPECT_EQ(leg.candidates.size(), 1u);
  EXPECT_TRUE(leg.rtcp_mux);
  EXPECT_FALSE(leg.remote);
}

TEST(AcceptOffer, FirefoxWithItsFingerprintAtTheSessionLevel) {
  const auto leg = accept(kFirefox);
  EXPECT_EQ(leg.payload_type, 109);
  EXPECT_EQ(leg.remote_fingerprint, kFingerprint);
  EXPECT_EQ(leg.audio_level_id, 1);
  EXPECT_EQ(leg.mixer_level_id, 2);
  EXPECT_TRUE(leg.opus.stereo);
}

TEST(AcceptOffer, SafariAndItsVideo) {
  const auto leg = accept(kSafari);
  EXPECT_EQ(leg.media_index, 0u);
  EXPECT_EQ(leg.remote_fingerprint, kFingerprint);
}

TEST(AcceptOffer, PlainPeers) {
  const auto ffmpeg = accept(kFfmpeg);
  EXPECT_FALSE(ffmpeg.encrypted);
  EXPECT_EQ(ffmpeg.codec, Codec::opus);
  EXPECT_EQ(ffmpeg.payload_type, 97);
  EXPECT_EQ(ffmpeg.remote->to_string(), "127.0.0.1:40000");
  EXPECT_FALSE(ffmpeg.remote_ssrc);
  EXPECT_FALSE(ffmpeg.rtcp_mux);

  const auto gstreamer = accept(kGStreamer);
  EXPECT_EQ(gstreamer.codec, Codec::opus);
  EXPECT_EQ(gstreamer.payload_type, 96);
  EXPECT_EQ(gstreamer.remote->to_string(), "127.0.0.1:40002");
  EXPECT_EQ(gstreamer.remote_ssrc, 3405691582u);

  const auto gateway = accept(kGateway);
  EXPECT_EQ(gateway.codec, Codec::pcma) << "the offer prefers 8 over 0";
  EXPECT_EQ(gateway.payload_type, 8);
  EXPECT_EQ(gateway.ptime_ms, 20u);
  EXPECT_EQ(gateway.maxptime_ms, 60u);

  const auto v6 = accept(
      replaced(replaced(kFfmpeg, "c=IN IP4 127.0.0.1", "c=IN IP6 2001:db8::7"), "RTP/AVP", "RTP/AVPF"));
  EXPECT_EQ(v6.remote->to_string(), "[2001:db8::7]:40000");
}

TEST(AcceptOffer, CodecIsTheOffersFirstThatWeHave) {
  struct Case {
    const char* formats;
    const char* maps;
    Codec codec;
    int payload_type;
  };
  const Case kCases[] = {
      {"111 0 8", "a=rtpmap:111 opus/48000/2\n", Codec::opus, 111},
      {"0 111", "a=rtpmap:111 opus/48000/2\n", Codec::pcmu, 0},
      {"8 0", "", Codec::pcma, 8},
      {"9 63 111", "a=rtpmap:9 G722/8000\na=rtpmap:63 red/48000/2\na=rtpmap:111 OPUS/48000/2\n", Codec::opus,
       111},
      {"96 97", "a=rtpmap:96 pcma/8000\na=rtpmap:97 pcmu/8000/1\n", Codec::pcma, 96},
      {"0", "a=rtpmap:0 PCMA/8000\n", Codec::pcma, 0},  // written out, even for a static number
      {"72 96", "a=rtpmap:72 opus/48000/2\na=rtpmap:96 opus/48000/2\n", Codec::opus,
       96},  // 72 would look like RTCP
      {"96 0", "a=rtpmap:96 opus/48000/1\n", Codec::pcmu, 0},
      {"96 0", "a=rtpmap:96 opus/16000/2\n", Codec::pcmu, 0},
      {"96 8", "a=rtpmap:96 PCMU/16000\n", Codec::pcma, 8},
  };
  for (const auto& c : kCases) {
    const auto leg =
        accept("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 5000 RTP/AVP " +
               std::string(c.formats) + "\n" + c.maps);
    EXPECT_EQ(leg.codec, c.codec) << c.formats;
    EXPECT_EQ(leg.payload_type, c.payload_type) << c.formats;
  }
}

TEST(AcceptOffer, OpusParameters) {
  struct Case {
    const char* fmtp;
    OpusParameters expected;
  };
  const OpusParameters kNothingSaid;
  const auto with = [](auto change) {
    OpusParameters p;
    change(p);
    return p;
  };
  const Case kCases[] = {
      {"", kNothingSaid},
      {"useinbandfec=1", with([](auto& p) { p.use_fec = true; })},
      {"useinbandfec=0;usedtx=0", with([](auto& p) { p.use_dtx = false; })},
      {"usedtx=1", kNothingSaid},
      {" stereo=1 ; UseInbandFec=1 ;cbr=1", with([](auto& p) { p.stereo = p.use_fec = p.cbr = true; })},
      {"maxaveragebitrate=24000", with([](auto& p) { p.max_bitrate = 24000; })},
      {"maxaveragebitrate=5999", kNothingSaid},
      {"maxaveragebitrate=510001", kNothingSaid},
      {"maxaveragebitrate=-1;maxaveragebitrate=99999999999999999999", kNothingSaid},
      {"minptime=0;minptime=65535", kNothingSaid},
      {"minptime=10", with([](auto& p) { p.minptime_ms = 10; })},
      {";;;=;=1;a;a=;useinbandfec", kNothingSaid},
  };
  for (const auto& c : kCases) {
    const auto leg = accept(replaced(kFfmpeg, "sprop-stereo=1", c.fmtp));
    EXPECT_EQ(leg.opus, c.expected) << c.fmtp;
  }
}

TEST(AcceptOffer, DirectionIsTurnedRound) {
  struct Case {
    const char* offered;
    Direction ours;
  };
  for (const auto& c : {Case{"a=sendrecv", Direction::sendrecv}, Case{"a=sendonly", Direction::recvonly},
                        Case{"a=recvonly", Direction::sendonly}, Case{"a=inactive", Direction::inactive},
                        Case{"a=x", Direction::sendrecv}}) {
    EXPECT_EQ(accept(replaced(kChromium, "a=sendrecv", c.offered)).direction, c.ours) << c.offered;
  }
  // At the session level, and overruled by the stream's own.
  const auto session_level =
      replaced(replaced(kChromium, "a=sendrecv\r\n", ""), "t=0 0\r\n", "t=0 0\r\na=sendonly\r\n");
  EXPECT_EQ(accept(session_level).direction, Direction::recvonly);
  EXPECT_EQ(accept(replaced(kChromium, "t=0 0\r\n", "t=0 0\r\na=sendonly\r\n")).direction,
            Direction::sendrecv);
}

TEST(AcceptOffer, HeaderExtensions) {
  struct Case {
    const char* lines;
    int audio_level, mixer_level;
  };
  const Case kCases[] = {
      {"a=extmap:3 urn:ietf:params:rtp-hdrext:ssrc-audio-level", 3, 0},
      {"a=extmap:3 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on", 3, 0},
      {"a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level", 3, 0},
      {"a=extmap:3/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level", 0, 0},
      {"a=extmap:3/inactive urn:ietf:params:rtp-hdrext:ssrc-audio-level", 0, 0},
      {"a=extmap:14 urn:ietf:params:rtp-hdrext:csrc-audio-level", 0, 14},
      {"a=extmap:5/sendonly urn:ietf:params:rtp-hdrext:csrc-audio-level", 0, 0},
      {"a=extmap:15 urn:ietf:params:rtp-hdrext:ssrc-audio-level", 0, 0},    // needs two-byte headers
      {"a=extmap:4096 urn:ietf:params:rtp-hdrext:ssrc-audio-level", 0, 0},  // provisional
      {"a=extmap:6 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
       "a=extmap:6 urn:ietf:params:rtp-hdrext:csrc-audio-level",
       6, 0},
      {"a=extmap:6 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
       "a=extmap:7 urn:ietf:params:rtp-hdrext:csrc-audio-level",
       6, 7},
  };
  for (const auto& c : kCases) {
    const auto leg =
        accept(replaced(kChromium, "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", c.lines));
    EXPECT_EQ(leg.audio_level_id, c.audio_level) << c.lines;
    EXPECT_EQ(leg.mixer_level_id, c.mixer_level) << c.lines;
  }
}

TEST(AcceptOffer, EncryptedProfiles) {
  for (const char* profile : {"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"})
    EXPECT_TRUE(accept(replaced(kChromium, "UDP/TLS/RTP/SAVPF", profile)).encrypted) << profile;
}

TEST(AcceptOffer, DtlsRoles) {
  EXPECT_EQ(accept(replaced(kChromium, "a=setup:actpass", "a=setup:active")).setup, Setup::passive);
  EXPECT_EQ(accept(replaced(kChromium, "a=setup:actpass\r\n", "")).setup, Setup::passive);
}

TEST(AcceptOffer, ABundleOnlyStreamBorrowsItsTransport) {
  // Video first: it is the tagged stream and carries the transport of both.
  std::string text =
      "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\na=group:BUNDLE v a\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtcp-mux\na=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\n"
      "a=fingerprint:" +
      std::string(kFingerprint) +
      "\na=setup:actpass\na=mid:v\na=rtpmap:96 VP8/90000\n"
      "m=audio 0 UDP/TLS/RTP/SAVPF 111\na=bundle-only\na=rtcp-mux\na=mid:a\na=rtpmap:111 opus/48000/2\n";
  const auto leg = accept(text);
  EXPECT_EQ(leg.media_index, 1u);
  EXPECT_EQ(leg.remote_ufrag, "abcd");
  EXPECT_EQ(leg.remote_fingerprint, kFingerprint);
  EXPECT_EQ(refusal(replaced(text, "BUNDLE v a", "BUNDLE v")), "406 the audio stream is disabled (port 0)");
}

TEST(AcceptOffer, TheFirstAudioStreamThatCanBeIsTaken) {
  const auto second = kChromium.substr(kChromium.find("m=audio"));
  const auto both = kGateway + second;
  EXPECT_EQ(accept(both).media_index, 0u);
  const auto leg = accept(replaced(both, "m=audio 12000", "m=audio 0"));
  EXPECT_EQ(leg.media_index, 1u);
  EXPECT_TRUE(leg.encrypted);
}

TEST(AcceptOffer, RefusalsSayWhatIsMissing) {
  struct Case {
    std::string text;
    std::string refusal;
  };
  const std::string fingerprint_line = "a=fingerprint:" + std::string(kFingerprint) + "\r\n";
  const Case kCases[] = {
      {kChromium.substr(0, kChromium.find("m=audio")), "406 no audio stream (m=audio)"},
      {replaced(kChromium, "m=audio", "m=video"), "406 no audio stream (m=audio)"},
      {replaced(kChromium, "m=audio 54321", "m=audio 0"), "406 the audio stream is disabled (port 0)"},
      {replaced(kChromium, fingerprint_line, ""),
       "406 no a=fingerprint with sha-256, sha-384 or sha-512: encrypted media needs DTLS-SRTP"},
      {replaced(kChromium, fingerprint_line, "a=fingerprint:sha-1 AB:CD\r\n"),
       "406 no a=fingerprint with sha-256, sha-384 or sha-512: encrypted media needs DTLS-SRTP"},
      {replaced(kChromium, "a=ice-ufrag:nVyE\r\n", ""),
       "406 no a=ice-ufrag and a=ice-pwd: encrypted media needs ICE"},
      {replaced(kChromium, "a=ice-pwd:4R4BhKvQZ8q2cGJvD6eGxMZb\r\n", ""),
       "406 no a=ice-ufrag and a=ice-pwd: encrypted media needs ICE"},
      {replaced(kChromium, "a=rtcp-mux\r\n", ""), "406 no a=rtcp-mux: RTP and RTCP share one port here"},
      {replaced(kChromium, "a=setup:actpass", "a=setup:passive"),
       "406 a=setup:passive: the offerer must open DTLS (actpass, active)"},
      {replaced(kChromium, "a=setup:actpass", "a=setup:holdconn"),
       "406 a=setup:holdconn: the offerer must open DTLS (actpass, active)"},
      {replaced(kChromium, "t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"),
       "406 the offer is ice-lite as this server is: nobody would check the path"},
      {replaced(kChromium, "111 63 9 0 8 13 110 126", "9 13 110"),
       "406 no common codec: opus/48000/2, PCMU/8000 and PCMA/8000 are taken"},
      {replaced(kChromium, "UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF"),
       "406 the audio stream's profile is none of UDP/TLS/RTP/SAVPF, UDP/TLS/RTP/SAVP, RTP/SAVPF, RTP/AVP, "
       "RTP/AVPF"},
      {replaced(kFfmpeg, "c=IN IP4 127.0.0.1\r\n", ""),
       "406 plain RTP needs a c= line with the unicast address of a host, as a number"},
      {replaced(kFfmpeg, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
       "406 plain RTP needs a c= line with the unicast address of a host, as a number"},
      {replaced(kFfmpeg, "c=IN IP4 127.0.0.1", "c=IN IP4 233.252.0.1/127"),
       "406 plain RTP needs a c= line with the unicast address of a host, as a number"},
      {replaced(kFfmpeg, "c=IN IP4 127.0.0.1", "c=IN IP4 233.252.0.1"),
       "406 plain RTP needs a c= line with the unicast address of a host, as a number"},
      {replaced(kFfmpeg, "c=IN IP4 127.0.0.1", "c=IN IP4 255.255.255.255"),
       "406 plain RTP needs a c= line with the unicast address of a host, as a number"},
      {replaced(kFfmpeg, "c=IN IP4 127.0.0.1", "c=IN IP4 localhost"),
       "406 plain RTP needs a c= line with the unicast address of a host, as a number"},
      {replaced(kChromium, "a=ice-ufrag:nVyE", "a=ice-ufrag:nVy"),
       "400 line 14: a=ice-ufrag: expected 4 to 256 of [A-Za-z0-9+/], once"},
  };
  for (const auto& c : kCases) EXPECT_EQ(refusal(c.text), c.refusal);
}

}  // namespace
}  // namespace parley::sdp
