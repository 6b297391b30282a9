#include "transport/sdp/offer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/transport/sdp/samples.hpp"

namespace parley::sdp {
namespace {

using testing::HasSubstr;

LocalEndpoint client() {
  LocalEndpoint out;
  out.ufrag = "clnt";
  out.pwd = "0123456789abcdefghijkl";
  out.fingerprint = kFingerprint;
  out.plain_rtp = *Address::parse("127.0.0.1:40000");
  out.ssrc = 77;
  out.cname = "client";
  return out;
}

LocalEndpoint server() {
  LocalEndpoint out = client();
  out.ufrag = "servr";
  out.pwd = "lkjihgfedcba9876543210";
  out.candidates = {*Address::parse("192.0.2.1:5004"), *Address::parse("[2001:db8::1]:5004")};
  out.plain_rtp = *Address::parse("127.0.0.1:5004");
  out.ssrc = 99;
  out.cname = "server";
  return out;
}

struct Call {
  std::string offer, answer;
  NegotiatedLeg at_server;
  Result<NegotiatedLeg> at_client = Error{"not run"};
};

Call call(const OfferOptions& options) {
  Call out;
  out.offer = write_offer(options, client());
  const auto offer = parse(out.offer);
  EXPECT_TRUE(offer) << offer.error().what << "\n" << out.offer;
  if (!offer) return out;
  auto leg = accept_offer(*offer);
  EXPECT_TRUE(leg) << leg.error().what;
  if (!leg) return out;
  out.at_server = *leg;
  out.answer = write_answer(*offer, *leg, server());
  out.at_client = parse_answer(out.offer, out.answer);
  EXPECT_TRUE(out.at_client) << out.at_client.error().what << "\n" << out.answer;
  return out;
}

TEST(OfferAnswer, BothEndsOfAnEncryptedCallAgree) {
  const auto c = call({});
  ASSERT_TRUE(c.at_client);
  const NegotiatedLeg& leg = *c.at_client;
  EXPECT_TRUE(leg.encrypted);
  EXPECT_EQ(leg.codec, Codec::opus);
  EXPECT_EQ(leg.payload_type, 111);
  EXPECT_EQ(leg.setup, Setup::active);
  EXPECT_EQ(c.at_server.setup, Setup::passive);
  EXPECT_EQ(leg.remote_ufrag, "servr");
  EXPECT_EQ(leg.remote_pwd, "lkjihgfedcba9876543210");
  EXPECT_EQ(leg.remote_fingerprint, kFingerprint);
  EXPECT_EQ(c.at_server.remote_ufrag, "clnt");
  EXPECT_TRUE(leg.remote_ice_lite);
  ASSERT_EQ(leg.candidates.size(), 2u);
  EXPECT_EQ(leg.candidates[0].address.to_string(), "192.0.2.1:5004");
  EXPECT_GT(leg.candidates[0].priority, leg.candidates[1].priority);
  EXPECT_EQ(leg.audio_level_id, c.at_server.audio_level_id);
  EXPECT_EQ(leg.mixer_level_id, c.at_server.mixer_level_id);
  EXPECT_NE(leg.audio_level_id, 0);
  EXPECT_NE(leg.mixer_level_id, 0);
  EXPECT_TRUE(leg.opus.use_fec);
  EXPECT_FALSE(leg.remote_ssrc);
}

TEST(OfferAnswer, BothEndsOfAPlainCallAgree) {
  OfferOptions options;
  options.encrypted = false;
  const auto c = call(options);
  ASSERT_TRUE(c.at_client);
  EXPECT_FALSE(c.at_client->encrypted);
  EXPECT_EQ(c.at_client->remote->to_string(), "127.0.0.1:5004");
  EXPECT_EQ(c.at_client->remote_ssrc, 99u);
  EXPECT_EQ(c.at_server.remote->to_string(), "127.0.0.1:40000");
  EXPECT_EQ(c.at_server.remote_ssrc, 77u);
  EXPECT_TRUE(c.at_client->rtcp_mux);
}

TEST(OfferAnswer, CodecsDirectionsAndOptions) {
  for (const bool encrypted : {true, false}) {
    for (const auto codec : {Codec::opus, Codec::pcmu, Codec::pcma}) {
      for (const auto direction :
           {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive}) {
        OfferOptions options;
        options.encrypted = encrypted;
        options.codecs = {codec, codec == Codec::opus ? Codec::pcmu : Codec::opus};
        options.direction = direction;
        const auto c = call(options);
        ASSERT_TRUE(c.at_client);
        EXPECT_EQ(c.at_client->codec, codec);
        EXPECT_EQ(c.at_client->payload_type, offered_payload_type(codec));
        EXPECT_EQ(c.at_client->direction, direction);
        EXPECT_EQ(c.at_server.direction, reversed(direction));
      }
    }
  }
  OfferOptions options;
  options.ptime_ms = 40;
  options.max_bitrate = 24'000;
  options.audio_level = options.mixer_level = false;
  const auto c = call(options);
  EXPECT_EQ(c.at_server.ptime_ms, 40u);
  EXPECT_EQ(c.at_server.opus.max_bitrate, 24'000u);
  EXPECT_EQ(c.at_client->audio_level_id, 0);
  EXPECT_EQ(c.at_client->mixer_level_id, 0);
}

TEST(ParseAnswer, AnswersThatBreakTheOfferAreRefused) {
  const auto good = call({});
  ASSERT_TRUE(good.at_client);
  struct Case {
    std::string answer;
    std::string error;
  };
  const std::string& a = good.answer;
  const Case kCases[] = {
      {"", "400 line 0: expected v=, o= and s= lines"},
      {replaced(a, "m=audio 5004", "m=audio 0"), "406 the server refused the audio stream"},
      {replaced(a, "m=audio", "m=video"), "400 the answer's stream is not the one that was offered"},
      {replaced(a, "UDP/TLS/RTP/SAVPF", "RTP/AVP"),
       "400 the answer's stream is not the one that was offered"},
      {a + "m=audio 0 RTP/AVP 0\r\n", "400 the answer has another number of m= lines than the offer"},
      {a.substr(0, a.find("m=audio")), "400 the answer has another number of m= lines than the offer"},
      {replaced(a, "SAVPF 111", "SAVPF 96"), "406 the answer's codec was not offered"},
      {replaced(replaced(a, "SAVPF 111", "SAVPF 96"), "rtpmap:111", "rtpmap:96"),
       "406 the answer's codec was not offered"},
      {replaced(a, "SAVPF 111", "SAVPF 0"), "406 the answer's codec was not offered"},
      {replaced(a, "a=setup:passive", "a=setup:actpass"),
       "406 the answer must say a=setup:active or a=setup:passive"},
      {replaced(a, "a=setup:passive\r\n", ""), "406 the answer must say a=setup:active or a=setup:passive"},
      {replaced(a, "a=rtcp-mux\r\n", ""), "406 no a=rtcp-mux: RTP and RTCP share one port here"},
      {replaced(a, "a=ice-ufrag:servr\r\n", ""),
       "406 no a=ice-ufrag and a=ice-pwd: encrypted media needs ICE"},
  };
  for (const auto& c : kCases) {
    const auto result = parse_answer(good.offer, c.answer);
    ASSERT_FALSE(result) << c.error;
    EXPECT_EQ(std::to_string(result.error().code) + " " + result.error().what, c.error);
  }
}

TEST(ParseAnswer, ExtensionsCountOnlyUnderTheirOfferedIds) {
  const auto good = call({});
  ASSERT_TRUE(good.at_client);
  const auto moved = parse_answer(good.offer, replaced(good.answer, "a=extmap:1/", "a=extmap:9/"));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->audio_level_id, 0);
}

TEST(ParseAnswer, ADirectionIsNeverWiderThanOurOffer) {
  OfferOptions options;
  options.direction = Direction::sendonly;
  const auto c = call(options);
  const auto wide = parse_answer(c.offer, replaced(c.answer, "a=recvonly", "a=sendrecv"));
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->direction, Direction::sendonly);
}

TEST(WriteOffer, OfAFullAgent) {
  EXPECT_THAT(write_offer({}, client()), HasSubstr("a=setup:actpass\r\n"));
  EXPECT_THAT(write_offer({}, client()),
              HasSubstr("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"));
  LocalEndpoint known = client();
  known.candidates = {*Address::parse("192.0.2.7:6000")};
  EXPECT_THAT(write_offer({}, known), HasSubstr("m=audio 6000 "));
  EXPECT_THAT(write_offer({}, known),
              HasSubstr("a=candidate:1 1 udp 2130706431 192.0.2.7 6000 typ host\r\n"));
}

}  // namespace
}  // namespace parley::sdp
