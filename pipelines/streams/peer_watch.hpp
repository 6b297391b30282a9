// The sockets that GStreamer's sinks open for themselves (RTMP by GIO): makes the kernel give up on a peer
// that takes nothing, and RTMPS trust the operator's own authority.
//
// A path that dies, and a server whose buffers are full, let a connection wait for ever: no error, no end.
// TCP_USER_TIMEOUT (RFC 5482) bounds both. A frozen server whose system still has room is probe.hpp's to
// find.
#pragma once

#include <string>

#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::streams {

// How long sent data may lie untaken.
constexpr Duration kUntaken = 10s;

// The socket's own buffer holds little, so that what is not taken shows early.
void bound_socket(int fd);

// Any thread, as often as one likes: from now on for every connection that GIO makes in this process.
void watch_peers();
// PEM file with certificates of authorities that RTMPS servers are trusted by, instead of the system's; "":
// the system's. For connections made from now on.
Status trust_authorities(const std::string& file);

}  // namespace parley::streams
