// SDP fragments of trickle ICE (RFC 8840 section 9, media type application/trickle-ice-sdpfrag): the bodies
// of WHIP's PATCH requests (RFC 9725 section 4.3) and of their answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transport/base/result.hpp"
#include "transport/sdp/session_description.hpp"

namespace parley::sdp {

struct Fragment {
  std::string ufrag, pwd;             // both empty when the fragment brings only candidates
  std::vector<Candidate> candidates;  // of all its m= sections
  bool end_of_candidates = false;
  std::string media_line = "audio 9 UDP/TLS/RTP/SAVPF 0";  // of the first section, what follows m=
  std::string mid;                                         // of the first section
};

// Error: kMalformed, "line 3: ...". The limits of session_description.hpp hold.
Result<Fragment> parse_fragment(std::string_view text);

// The answer to an ICE restart: our new credentials and our candidates, under the request's m= line and mid.
std::string write_answer_fragment(const Fragment& request, std::string_view ufrag, std::string_view pwd,
                                  const std::vector<Address>& candidates);

}  // namespace parley::sdp
