#include <algorithm>

#include "transport/base/check.hpp"
#include "transport/sdp/negotiate.hpp"
#include "transport/sdp/terms.hpp"

namespace parley::sdp {

namespace {

Media refused(const Media& offered) {
  Media out;
  out.kind = offered.kind;
  out.port = 0;
  out.protocol = offered.protocol;
  out.formats = {offered.formats.front()};
  out.connection = "0.0.0.0";
  out.mid = offered.mid;
  out.direction = Direction::inactive;
  return out;
}

// The extensions of the leg as they were offered, seen from here.
std::vector<ExtMap> extensions(const SessionDescription& offer, const Media& offered,
                               const NegotiatedLeg& leg) {
  std::vector<ExtMap> out;
  const auto answer = [&](unsigned id, std::string_view uri) {
    for (const auto* extmaps : {&offered.extmaps, &offer.extmaps}) {
      for (const auto& e : *extmaps) {
        if (id == 0 || e.id != id || e.uri != uri) continue;
        out.push_back({id, reversed(e.direction), e.uri});
        return;
      }
    }
  };
  answer(leg.audio_level_id, kAudioLevelUri);
  answer(leg.mixer_level_id, kMixerLevelUri);
  return out;
}

Media accepted(const SessionDescription& offer, const NegotiatedLeg& leg, const LocalEndpoint& local) {
  const Media& offered = offer.media[leg.media_index];
  const Direction widest = reversed(direction_of(offer, offered));
  Media out;
  out.kind = offered.kind;
  out.protocol = offered.protocol;
  out.mid = offered.mid;
  out.direction =
      make_direction(sends(widest) && sends(leg.direction), receives(widest) && receives(leg.direction));
  out.extmaps = extensions(offer, offered, leg);
  std::string opus_fmtp = "minptime=10;useinbandfec=1";
  if (local.ask_for_dtx) opus_fmtp += ";usedtx=1";
  write_codec(out, leg.codec, leg.payload_type, opus_fmtp);
  if (leg.encrypted) {
    write_encrypted(out, local, leg.setup);
    out.end_of_candidates = true;
    if (sends(*out.direction)) out.msid = "parley mix";
  } else {
    write_plain(out, local);
    out.rtcp_mux = leg.rtcp_mux;
  }
  return out;
}

}  // namespace

std::string write_answer(const SessionDescription& offer, const NegotiatedLeg& leg,
                         const LocalEndpoint& local) {
  PARLEY_ASSERT(leg.media_index < offer.media.size());
  SessionDescription answer;
  for (std::size_t i = 0; i < offer.media.size(); ++i)
    answer.media.push_back(i == leg.media_index ? accepted(offer, leg, local) : refused(offer.media[i]));
  const Media& audio = answer.media[leg.media_index];
  answer.origin = origin_of(local, audio);
  answer.ice_lite = leg.encrypted;
  if (std::find(offer.bundle.begin(), offer.bundle.end(), audio.mid) != offer.bundle.end())
    answer.bundle = {audio.mid};
  return to_string(answer);
}

}  // namespace parley::sdp
