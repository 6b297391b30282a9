// Opens a source connection to an Icecast server: HTTP PUT as Icecast 2.4 takes it. What is written to the
// socket afterwards is the stream.
//
// Why not shout2send: it takes no AAC, it says "Login failed" for a wrong password and for a mount in use
// alike, and a frozen server goes unnoticed while the socket's buffer takes the data in.
#pragma once

#include <string>

#include "pipelines/streams/target.hpp"
#include "transport/base/address.hpp"
#include "transport/base/time.hpp"

namespace parley::streams {

constexpr Duration kIcecastTimeout = 5s;

// Blocks for at most kIcecastTimeout per step. The descriptor is the caller's. Error.code is kRefused when
// the server has said no.
Result<int> connect_icecast(const Target& target, const IpAddress& address, const std::string& content_type,
                            const std::string& title);

// The request, and what the first line of the answer means: parts of the above, for tests and the fuzzer.
std::string icecast_request(const Target& target, const std::string& content_type, const std::string& title);
Status icecast_answer(std::string_view head);

}  // namespace parley::streams
