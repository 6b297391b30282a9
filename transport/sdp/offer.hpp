// The client's half of offer/answer: the offer that a full ICE agent makes, and what the server's answer
// settles.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/sdp/negotiate.hpp"

namespace parley::sdp {

struct OfferOptions {
  bool encrypted = true;                      // false: RTP/AVP
  std::vector<Codec> codecs = {Codec::opus};  // in the order of preference, not empty
  Direction direction = Direction::sendrecv;  // as the client sees it
  std::optional<unsigned> ptime_ms;           // of what we want to receive
  std::optional<std::uint32_t> max_bitrate;   // Opus, bit/s, of what we want to receive
  bool audio_level = true;                    // RFC 6464
  bool mixer_level = true;                    // RFC 6465
};

// The payload type our offers give a codec: 111 for Opus, 0 and 8 for PCMU and PCMA.
std::uint8_t offered_payload_type(Codec codec);

// One audio stream, mid "0". Encrypted: actpass (RFC 8842 section 5.2), trickle, the candidates of `local`
// (may be none: a lite server learns our address from our checks). Plain: our address and a=ssrc.
std::string write_offer(const OfferOptions& options, const LocalEndpoint& local);

// `offer` is the text that write_offer() made. Errors as accept_offer(); kNotAcceptable also when the answer
// refuses the stream or breaks the terms of the offer.
Result<NegotiatedLeg> parse_answer(std::string_view offer, std::string_view answer);

}  // namespace parley::sdp
