#include "transport/sdp/negotiate.hpp"

#include "transport/sdp/terms.hpp"

namespace parley::sdp {

namespace {

bool is_bundle_only(const SessionDescription& offer, const Media& media) {
  // RFC 8843 section 6: port 0 together with a=bundle-only does not refuse the stream.
  if (!media.bundle_only) return false;
  for (const auto& mid : offer.bundle)
    if (mid == media.mid) return true;
  return false;
}

Status read_profile(const SessionDescription& offer, const Media& media, NegotiatedLeg& leg) {
  if (is_plain_profile(media)) return read_plain(offer, media, leg);
  if (!is_encrypted_profile(media)) {
    return not_acceptable(
        "the audio stream's profile is none of UDP/TLS/RTP/SAVPF, UDP/TLS/RTP/SAVP, RTP/SAVPF, RTP/AVP, "
        "RTP/AVPF");
  }
  auto status = read_encrypted(offer, media, leg);
  if (!status) return status;
  if (leg.remote_ice_lite)
    return not_acceptable("the offer is ice-lite as this server is: nobody would check the path");
  const auto setup = transport_of(offer, media).setup.value_or(Setup::active);  // RFC 4145 section 4.1
  if (setup != Setup::actpass && setup != Setup::active)
    return not_acceptable("a=setup:" + std::string(to_string(setup)) +
                          ": the offerer must open DTLS (actpass, active)");
  leg.setup = Setup::passive;
  return Done{};
}

Result<NegotiatedLeg> accept_stream(const SessionDescription& offer, std::size_t index) {
  const Media& media = offer.media[index];
  NegotiatedLeg leg;
  leg.media_index = index;
  if (media.port == 0 && !is_bundle_only(offer, media))
    return not_acceptable("the audio stream is disabled (port 0)");
  if (auto status = read_profile(offer, media, leg); !status) return status.error();
  const auto format = first_common_format(media);
  if (!format) return not_acceptable("no common codec: opus/48000/2, PCMU/8000 and PCMA/8000 are taken");
  read_terms(offer, media, *format, leg);
  leg.audio_level_id = extension_id(offer, media, kAudioLevelUri, true);
  leg.mixer_level_id = extension_id(offer, media, kMixerLevelUri, false);
  if (leg.mixer_level_id == leg.audio_level_id) leg.mixer_level_id = 0;  // one id cannot mean both
  return leg;
}

}  // namespace

Result<NegotiatedLeg> accept_offer(const SessionDescription& offer) {
  std::optional<Error> first_refusal;
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    if (offer.media[i].kind != "audio") continue;
    auto leg = accept_stream(offer, i);
    if (leg) return leg;
    if (!first_refusal) first_refusal = leg.error();
  }
  return first_refusal.value_or(not_acceptable("no audio stream (m=audio)"));
}

}  // namespace parley::sdp
