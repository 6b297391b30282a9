// The client's side of TLS: whom it trusts, and that the server is who it was asked for.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "client/url.hpp"
#include "transport/base/result.hpp"
#include "transport/net/tls_stream.hpp"

namespace parley::client {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// By `server.trust`. The error names the file that cannot be used.
Result<TlsContext> make_tls_context(const ServerUrl& server);

// A connected TCP stream, ready for the handshake: the name is sent (RFC 6066 section 3) and, unless anybody
// is trusted, will be checked.
net::Stream::Tls make_tls_stream(net::Stream::Tcp tcp, boost::asio::ssl::context& context,
                                 const ServerUrl& server);

}  // namespace parley::client
