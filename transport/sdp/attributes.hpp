// The a= lines that mean something to us: one table, by name. Used by the parsers of this folder only.
#pragma once

#include <string>
#include <string_view>

#include "transport/sdp/session_description.hpp"

namespace parley::sdp {

// Of these a stranger may list as many as lines fit; more than this is kept of none.
inline constexpr std::size_t kMaxCandidates = 32;

// Takes the attribute (what follows "a=") into `media`, or into `session` when `media` is null. Returns what
// was expected when the value is malformed, and an empty text when all is well or the attribute is none of
// ours.
std::string take_attribute(SessionDescription& session, Media* media, std::string_view attribute);

// What follows "m=". Nothing wrong: an empty text.
std::string take_media_line(Media& media, std::string_view line);

bool is_rtp(const Media& media);

}  // namespace parley::sdp
