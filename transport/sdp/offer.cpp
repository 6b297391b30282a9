#include "transport/sdp/offer.hpp"

#include <algorithm>

#include "transport/base/check.hpp"
#include "transport/sdp/terms.hpp"

namespace parley::sdp {

namespace {

constexpr std::uint8_t kAudioLevelId = 1;
constexpr std::uint8_t kMixerLevelId = 2;

std::string opus_fmtp(const OfferOptions& options, const LocalEndpoint& local) {
  std::string out = "minptime=10;useinbandfec=1";
  if (local.ask_for_dtx) out += ";usedtx=1";
  if (options.max_bitrate) out += ";maxaveragebitrate=" + std::to_string(*options.max_bitrate);
  return out;
}

bool offers(const Media& offered, const Format& format) {
  const auto text = std::to_string(format.payload_type);
  if (std::find(offered.formats.begin(), offered.formats.end(), text) == offered.formats.end()) return false;
  return offered_payload_type(format.codec) == format.payload_type;
}

// An extension counts only under the id that was offered for it.
std::uint8_t answered_id(const SessionDescription& answer, const Media& media, std::string_view uri,
                         bool from_server, std::uint8_t offered) {
  const auto id = extension_id(answer, media, uri, from_server);
  return id == offered ? id : 0;
}

Status read_answered_transport(const SessionDescription& answer, const Media& media, NegotiatedLeg& leg) {
  if (!leg.encrypted) return read_plain(answer, media, leg);
  auto status = read_encrypted(answer, media, leg);
  if (!status) return status;
  const auto setup = transport_of(answer, media).setup;
  if (setup != Setup::active && setup != Setup::passive)
    return not_acceptable("the answer must say a=setup:active or a=setup:passive");
  leg.setup = setup == Setup::passive ? Setup::active : Setup::passive;
  return Done{};
}

Result<NegotiatedLeg> read_answer(const SessionDescription& offer, const SessionDescription& answer) {
  if (offer.media.size() != 1) return Error{"expected an offer of one stream", kMalformed};
  if (answer.media.size() != 1)
    return Error{"the answer has another number of m= lines than the offer", kMalformed};
  const Media& offered = offer.media.front();
  const Media& media = answer.media.front();
  if (media.kind != "audio" || media.protocol != offered.protocol)
    return Error{"the answer's stream is not the one that was offered", kMalformed};
  if (media.port == 0) return not_acceptable("the server refused the audio stream");
  NegotiatedLeg leg;
  leg.encrypted = is_encrypted_profile(media);
  if (auto status = read_answered_transport(answer, media, leg); !status) return status.error();
  const auto format = first_common_format(media);
  if (!format || !offers(offered, *format)) return not_acceptable("the answer's codec was not offered");
  read_terms(answer, media, *format, leg);
  const Direction widest = direction_of(offer, offered);
  leg.direction =
      make_direction(sends(widest) && sends(leg.direction), receives(widest) && receives(leg.direction));
  leg.audio_level_id = answered_id(answer, media, kAudioLevelUri, false, kAudioLevelId);
  leg.mixer_level_id = answered_id(answer, media, kMixerLevelUri, true, kMixerLevelId);
  return leg;
}

}  // namespace

std::uint8_t offered_payload_type(Codec codec) {
  switch (codec) {
    case Codec::opus:
      return 111;
    case Codec::pcmu:
      return 0;
    case Codec::pcma:
      break;
  }
  return 8;
}

std::string write_offer(const OfferOptions& options, const LocalEndpoint& local) {
  PARLEY_ASSERT(!options.codecs.empty());
  Media media;
  media.kind = "audio";
  media.mid = "0";
  media.direction = options.direction;
  media.ptime_ms = options.ptime_ms;
  for (const auto codec : options.codecs)
    write_codec(media, codec, offered_payload_type(codec), opus_fmtp(options, local));
  if (options.audio_level)
    media.extmaps.push_back({kAudioLevelId, Direction::sendonly, std::string(kAudioLevelUri)});
  if (options.mixer_level)
    media.extmaps.push_back({kMixerLevelId, Direction::recvonly, std::string(kMixerLevelUri)});
  if (options.encrypted) {
    media.protocol = "UDP/TLS/RTP/SAVPF";
    write_encrypted(media, local, Setup::actpass);
  } else {
    media.protocol = "RTP/AVP";
    media.rtcp_mux = true;
    write_plain(media, local);
  }
  SessionDescription offer;
  offer.origin = origin_of(local, media);
  if (options.encrypted) offer.bundle = {media.mid};
  offer.media.push_back(std::move(media));
  return to_string(offer);
}

Result<NegotiatedLeg> parse_answer(std::string_view offer, std::string_view answer) {
  auto ours = parse(offer);
  if (!ours) return Error{"our offer, " + ours.error().what, ours.error().code};
  auto theirs = parse(answer);
  if (!theirs) return theirs.error();
  return read_answer(*ours, *theirs);
}

}  // namespace parley::sdp
