// From a target's host to the address its stream goes to.
#pragma once

#include "pipelines/streams/policy.hpp"

namespace parley::streams {

constexpr int kRefused = 1;  // Error.code of a refusal that will not heal by itself

// Looks the host up (may take long) and checks the addresses: the first that the policy allows. Where the
// connection will be made by name (rtmps, for its certificate), all of them must be allowed.
Result<IpAddress> resolve(const Target& target, const Policy& policy);

}  // namespace parley::streams
