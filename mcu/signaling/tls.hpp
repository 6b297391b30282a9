// The server's side of TLS: certificate and key from PEM files, or made here for development.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "transport/base/result.hpp"

namespace parley::signaling {

// The value of http.tls.certificate that asks for a certificate of our own making.
inline constexpr const char* kSelfSigned = "self-signed";

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// TLS 1.2 and later. `certificate`: a PEM file with the chain, leaf first, or kSelfSigned: one of our
// own making (tls_self_signed.hpp) that is kept in the file `key`, or lives as long as the process without
// one. The error names the file.
Result<TlsContext> make_tls_context(const std::string& certificate, const std::string& key);

}  // namespace parley::signaling
