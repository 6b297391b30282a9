// The legs of the media plane: offers and answers, the addresses that go into them, and a leg's place on a
// mix thread.
#include <algorithm>

#include "mcu/app/host_addresses.hpp"
#include "mcu/app/media_plane.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/log.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/sdp/fragment.hpp"

namespace parley::app {
namespace {

const char* codec_name(Codec codec) {
  switch (codec) {
    case Codec::pcmu:
      return "PCMU";
    case Codec::pcma:
      return "PCMA";
    case Codec::opus:
      break;
  }
  return "opus";
}

}  // namespace

std::vector<Address> MediaPlane::candidates(const std::string& remote_ip) const {
  const Address local = legs_->local();
  std::vector<Address> out;
  if (!settings_.media.advertise.empty()) {
    for (const Address& address : settings_.media.advertise)
      out.push_back({address.ip, address.port == 0 ? local.port : address.port});
    return out;
  }
  if (!local.ip.is_unspecified()) return {local};
  const auto remote = IpAddress::parse(remote_ip);
  const bool remote_is_here = remote && remote->is_loopback();
  for (const IpAddress& ip : host_addresses(!local.ip.is_v4())) {
    if (!ip.is_loopback()) {
      out.push_back({ip, local.port});
    } else if (remote_is_here) {
      out.insert(out.begin(), {ip, local.port});  // useless to anybody else, best for a peer on this host
    }
  }
  return out;
}

Status MediaPlane::check_plain(const sdp::NegotiatedLeg& leg, const std::string& remote_ip) const {
  const auto peer = IpAddress::parse(remote_ip);
  const auto allowed = [this](const IpAddress& ip) {
    return std::any_of(settings_.media.plain_rtp_from.begin(), settings_.media.plain_rtp_from.end(),
                       [&](const IpNetwork& network) { return network.contains(ip); });
  };
  // Both who asks and where the media would go must be trusted: otherwise we could be aimed at a stranger.
  if (!peer || !allowed(*peer) || !allowed(leg.remote->ip))
    return Error{"unprotected RTP is not allowed from this network (media.plain_rtp_from)", 403};
  for (const auto& [id, other] : placed_) {
    if (other.encrypted) continue;
    const bool same_address = other.plain == *leg.remote;
    const bool same_ssrc = other.plain.ip == leg.remote->ip && other.plain_ssrc == leg.remote_ssrc;
    if (same_address && same_ssrc)
      return Error{"another participant uses this address and SSRC: offer another port or SSRC", 409};
  }
  return Done{};
}

LegConfig MediaPlane::leg_config(LegId id, const sdp::NegotiatedLeg& leg, const sdp::LocalEndpoint& local,
                                 unsigned thread) const {
  LegConfig config;
  config.id = id;
  config.route = thread;
  config.encrypted = leg.encrypted;
  config.local_ufrag = local.ufrag;
  config.local_pwd = local.pwd;
  config.remote_ufrag = leg.remote_ufrag;
  config.remote_pwd = leg.remote_pwd;
  config.remote_fingerprint = leg.remote_fingerprint;
  if (!leg.encrypted) {
    config.remote = leg.remote;
    config.remote_ssrc = leg.remote_ssrc;
    if (!leg.rtcp_mux)
      config.rtcp_remote = Address{leg.remote->ip, static_cast<std::uint16_t>(leg.remote->port + 1)};
    config.expects_media = sdp::receives(leg.direction);
  }
  config.codec = leg.codec;
  config.payload_type = leg.payload_type;
  config.local_ssrc = local.ssrc;
  config.cname = local.cname;
  config.audio_level_id = leg.audio_level_id;
  config.mixer_level_id = leg.mixer_level_id;
  config.timeout = settings_.rooms.leg_timeout;
  return config;
}

pipelines::LegMedia MediaPlane::leg_media(LegId id, const sdp::NegotiatedLeg& leg) {
  pipelines::LegMedia media;
  media.id = id;
  media.codec = leg.codec;
  media.sends =
      sdp::receives(leg.direction);  // the direction is ours: what we receive, the participant sends
  media.receives = sdp::sends(leg.direction);
  media.has_levels = leg.audio_level_id != 0;
  media.use_fec = leg.opus.use_fec;
  media.use_dtx = leg.opus.use_dtx;
  media.max_bitrate = leg.opus.max_bitrate.value_or(0);
  return media;
}

Result<room::LegAnswer> MediaPlane::add_leg(RoomId room, const room::LegOffer& offer) {
  const auto place = rooms_.find(room);
  if (place == rooms_.end()) return Error{"the room has no media", 503};
  const auto description = sdp::parse(offer.sdp);
  if (!description) return description.error();
  const auto negotiated = sdp::accept_offer(*description);
  if (!negotiated) return negotiated.error();
  if (!negotiated->encrypted) {
    if (auto checked = check_plain(*negotiated, offer.remote_ip); !checked) return checked.error();
  }

  const LegId id{++last_leg_};
  const unsigned thread = place->second.thread;
  sdp::LocalEndpoint local;
  const auto credentials = ice::Credentials::random();
  local.ufrag = credentials.ufrag;
  local.pwd = credentials.pwd;
  local.fingerprint = identity_->fingerprint();
  local.candidates = candidates(offer.remote_ip);
  if (local.candidates.empty()) return Error{"this server has no address to offer (media.advertise)", 503};
  local.plain_rtp = local.candidates.front();
  local.ssrc = random_u32();
  local.cname = "parley-" + random_token(10);

  if (!legs_->post_add(leg_config(id, *negotiated, local, thread)))
    return Error{"the server is overloaded: try again", 503};
  auto media = leg_media(id, *negotiated);
  media.applies_gain = offer.applies_gain;
  if (!mixers_[thread]->post([room, media](MixThread& mixer) { mixer.add_leg(room, media); })) {
    legs_->post_remove(id);
    return Error{"the server is overloaded: try again", 503};
  }
  place->second.legs.insert(id);
  PlacedLeg placed;
  placed.room = room;
  placed.thread = thread;
  placed.encrypted = negotiated->encrypted;
  placed.remote_ufrag = negotiated->remote_ufrag;
  placed.remote_pwd = negotiated->remote_pwd;
  placed.plain = negotiated->remote.value_or(Address{});
  placed.plain_ssrc = negotiated->remote_ssrc;
  placed_[id] = placed;

  room::LegAnswer answer;
  answer.leg = id;
  answer.sdp = sdp::write_answer(*description, *negotiated, local);
  answer.direction = {media.sends, media.receives};
  answer.encrypted = negotiated->encrypted;
  answer.codec = codec_name(negotiated->codec);
  return answer;
}

void MediaPlane::remove_leg(LegId leg, const std::string& reason) {
  const auto found = placed_.find(leg);
  if (found == placed_.end()) return;
  log::debug("leg {} removed: {}", raw(leg), log::printable(reason));
  legs_->post_remove(leg);
  mixers_[found->second.thread]->post([leg](MixThread& mixer) { mixer.remove_leg(leg); });
  if (const auto room = rooms_.find(found->second.room); room != rooms_.end()) room->second.legs.erase(leg);
  const RoomId room = found->second.room;
  placed_.erase(found);
  if (leg_removed_) leg_removed_(leg, room);
}

RoomId MediaPlane::room_of(LegId leg) const {
  const auto found = placed_.find(leg);
  return found == placed_.end() ? RoomId::none : found->second.room;
}

Result<MediaPlane::VoiceOfRoom> MediaPlane::add_voice(RoomId room) {
  const auto place = rooms_.find(room);
  if (place == rooms_.end()) return Error{"the room has no media", 503};
  const LegId id{++last_leg_};
  pipelines::LegMedia media;
  media.id = id;
  media.receives = false;
  media.has_levels = true;
  media.levelled = false;
  const unsigned thread = place->second.thread;
  if (!mixers_[thread]->post([room, media](MixThread& mixer) { mixer.add_leg(room, media); }))
    return Error{"the server is overloaded: try again", 503};
  voices_[id] = thread;
  return VoiceOfRoom{id,
                     [&mixer = *mixers_[thread], id](const MediaPacket& packet) { mixer.push(id, packet); }};
}

void MediaPlane::remove_voice(LegId voice) {
  const auto found = voices_.find(voice);
  if (found == voices_.end()) return;
  mixers_[found->second]->post([voice](MixThread& mixer) { mixer.remove_leg(voice); });
  voices_.erase(found);
}

Result<std::string> MediaPlane::patch_leg(LegId leg, const std::string& sdp_fragment) {
  const auto found = placed_.find(leg);
  if (found == placed_.end() || !found->second.encrypted) return Error{"this leg has no ICE session", 409};
  const auto fragment = sdp::parse_fragment(sdp_fragment);
  if (!fragment) return fragment.error();
  // Candidates alone, or with the credentials in use (RFC 8840 section 4.4): a lite agent learns the peer's
  // addresses from its checks.
  auto& placed = found->second;
  const bool same = fragment->ufrag == placed.remote_ufrag && fragment->pwd == placed.remote_pwd;
  if (fragment->ufrag.empty() || same) return std::string{};
  const auto credentials = ice::Credentials::random();
  if (!legs_->post_ice_restart(leg, credentials.ufrag, credentials.pwd, fragment->ufrag, fragment->pwd))
    return Error{"the server is overloaded: try again", 503};
  placed.remote_ufrag = fragment->ufrag;
  placed.remote_pwd = fragment->pwd;
  return sdp::write_answer_fragment(*fragment, credentials.ufrag, credentials.pwd, candidates(""));
}

}  // namespace parley::app
