// What offer and answer have in common: reading the terms under which the peer takes and sends one audio
// stream, and describing ours. Used by negotiate.cpp, answer.cpp and offer.cpp only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "transport/sdp/negotiate.hpp"

namespace parley::sdp {

struct Format {
  Codec codec = Codec::opus;
  std::uint8_t payload_type = 0;
};

// The first format of the m= line that we have: opus/48000/2, PCMU/8000, PCMA/8000 (0 and 8 also without
// a=rtpmap).
std::optional<Format> first_common_format(const Media& media);
OpusParameters opus_parameters(std::string_view fmtp);

bool is_encrypted_profile(const Media& media);  // SAVP, SAVPF and their UDP/TLS forms
bool is_plain_profile(const Media& media);      // AVP and AVPF

// The attributes that count for a stream: its own, else the session's, else those of the BUNDLE group's first
// stream (RFC 8843 section 7.1.3 lets bundled streams leave them out).
TransportAttributes transport_of(const SessionDescription& description, const Media& media);
Direction direction_of(const SessionDescription& description, const Media& media);

// The extension's id for a stream that flows from the writer of `media` (`from_writer`) or towards it; 0:
// none.
std::uint8_t extension_id(const SessionDescription& description, const Media& media, std::string_view uri,
                          bool from_writer);

// Fills in what both kinds of legs need from the peer's description of the stream.
void read_terms(const SessionDescription& description, const Media& media, const Format& format,
                NegotiatedLeg& leg);
// Fills in one kind's part. Done, or what is missing.
Status read_encrypted(const SessionDescription& description, const Media& media, NegotiatedLeg& leg);
Status read_plain(const SessionDescription& description, const Media& media, NegotiatedLeg& leg);

Error not_acceptable(std::string what);

// Our side of one stream.
void write_codec(Media& media, Codec codec, std::uint8_t payload_type, const std::string& opus_fmtp);
void write_encrypted(Media& media, const LocalEndpoint& local, Setup setup);
void write_plain(Media& media, const LocalEndpoint& local);
std::vector<Candidate> host_candidates(const std::vector<Address>& addresses);
std::string origin_of(const LocalEndpoint& local, const Media& media);

}  // namespace parley::sdp
