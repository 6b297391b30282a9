#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/transport/sdp/samples.hpp"
#include "transport/sdp/negotiate.hpp"

namespace parley::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

LocalEndpoint local() {
  LocalEndpoint out;
  out.ufrag = "e65zusdb";
  out.pwd = "0644x1r0rdsmnybfjkz9baoc";
  out.fingerprint = kFingerprint;
  out.candidates = {*Address::parse("127.0.0.1:9081"), *Address::parse("[2001:db8::1]:9081")};
  out.plain_rtp = *Address::parse("127.0.0.1:5004");
  out.ssrc = 1795241238;
  out.cname = "probe";
  return out;
}

std::string answer_to(const std::string& text, const LocalEndpoint& endpoint = local()) {
  const auto offer = parse(text);
  if (!offer) return offer.error().what;
  const auto leg = accept_offer(*offer);
  return leg ? write_answer(*offer, *leg, endpoint) : leg.error().what;
}

TEST(WriteAnswer, TheFormThatChromiumConnectsWith) {
  EXPECT_EQ(answer_to(kChromium), crlf(R"(v=0
o=- 1795241238 1 IN IP4 127.0.0.1
s=-
t=0 0
a=ice-lite
a=group:BUNDLE 0
m=audio 9081 UDP/TLS/RTP/SAVPF 111
c=IN IP4 127.0.0.1
a=rtcp-mux
a=ice-ufrag:e65zusdb
a=ice-pwd:0644x1r0rdsmnybfjkz9baoc
a=fingerprint:)" + std::string(kFingerprint) +
                                       R"(
a=setup:passive
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:parley mix
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1
a=candidate:1 1 udp 2130706431 127.0.0.1 9081 typ host
a=candidate:2 1 udp 2130706175 2001:db8::1 9081 typ host
a=end-of-candidates
)"));
}

TEST(WriteAnswer, PlainLegsLearnOurSsrcAndAddress) {
  EXPECT_EQ(answer_to(kGateway), crlf(R"(v=0
o=- 1795241238 1 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 5004 RTP/AVP 8
c=IN IP4 127.0.0.1
a=sendrecv
a=rtpmap:8 PCMA/8000
a=ssrc:1795241238 cname:probe
)"));
  EXPECT_THAT(answer_to(replaced(kGateway, "a=ptime", "a=rtcp-mux\r\na=ptime")),
              HasSubstr("\r\na=rtcp-mux\r\n"));
}

TEST(WriteAnswer, IPv6) {
  LocalEndpoint endpoint = local();
  endpoint.candidates = {*Address::parse("[2001:db8::1]:9081")};
  const auto answer = answer_to(kChromium, endpoint);
  EXPECT_THAT(answer, HasSubstr("o=- 1795241238 1 IN IP6 2001:db8::1\r\n"));
  EXPECT_THAT(answer, HasSubstr("c=IN IP6 2001:db8::1\r\n"));
}

TEST(WriteAnswer, EveryOtherStreamIsRefused) {
  for (const auto& text : {kFirefox, kSafari}) {
    const auto answer = parse(answer_to(text));
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_THAT(answer->bundle, ElementsAre("0"));
    ASSERT_EQ(answer->media.size(), 2u);
    EXPECT_NE(answer->media[0].port, 0);
    const Media& refused = answer->media[1];
    EXPECT_EQ(refused.port, 0);
    EXPECT_EQ(refused.mid, "1");
    EXPECT_EQ(refused.formats.size(), 1u);
    EXPECT_EQ(refused.direction, Direction::inactive);
    EXPECT_TRUE(refused.transport.ice_ufrag.empty());
  }
}

TEST(WriteAnswer, AnswersWhatWasAskedAndNoMore) {
  const auto answer = parse(answer_to(kFirefox));
  ASSERT_TRUE(answer);
  const Media& audio = answer->media[0];
  EXPECT_THAT(audio.formats, ElementsAre("109"));
  EXPECT_THAT(audio.extmaps, ElementsAre(ExtMap{1, Direction::sendrecv, std::string(kAudioLevelUri)},
                                         ExtMap{2, Direction::sendonly, std::string(kMixerLevelUri)}));
  EXPECT_THAT(audio.sources, IsEmpty()) << "a browser holds us to an SSRC once it is announced";

  const auto no_group = parse(answer_to(replaced(kChromium, "a=group:BUNDLE 0\r\n", "")));
  ASSERT_TRUE(no_group);
  EXPECT_THAT(no_group->bundle, IsEmpty());
  const auto no_mid = parse(answer_to(replaced(kChromium, "a=mid:0\r\n", "")));
  ASSERT_TRUE(no_mid);
  EXPECT_EQ(no_mid->media[0].mid, "");
  EXPECT_THAT(no_mid->bundle, IsEmpty());
}

TEST(WriteAnswer, Directions) {
  struct Case {
    const char* offered;
    const char* answered;
    bool has_msid;
  };
  for (const auto& c :
       {Case{"a=sendrecv", "\r\na=sendrecv\r\n", true}, Case{"a=sendonly", "\r\na=recvonly\r\n", false},
        Case{"a=recvonly", "\r\na=sendonly\r\n", true}, Case{"a=inactive", "\r\na=inactive\r\n", false}}) {
    const auto answer = answer_to(replaced(kChromium, "a=sendrecv", c.offered));
    EXPECT_THAT(answer, HasSubstr(c.answered));
    EXPECT_EQ(answer.find("a=msid:") != std::string::npos, c.has_msid) << c.offered;
  }
}

TEST(WriteAnswer, ADirectionIsNeverWiderThanTheOffers) {
  const auto offer = parse(replaced(kChromium, "a=sendrecv", "a=sendonly"));
  ASSERT_TRUE(offer);
  auto leg = accept_offer(*offer);
  ASSERT_TRUE(leg);
  leg->direction = Direction::sendrecv;
  EXPECT_THAT(write_answer(*offer, *leg, local()), HasSubstr("\r\na=recvonly\r\n"));
  leg->direction = Direction::inactive;
  EXPECT_THAT(write_answer(*offer, *leg, local()), HasSubstr("\r\na=inactive\r\n"));
}

TEST(WriteAnswer, DtxIsAskedForOnlyWhenWanted) {
  LocalEndpoint endpoint = local();
  endpoint.ask_for_dtx = false;
  EXPECT_THAT(answer_to(kChromium, endpoint), Not(HasSubstr("usedtx")));
}

}  // namespace
}  // namespace parley::sdp
