#include "client/tls.hpp"

#include <boost/asio/ssl/host_name_verification.hpp>

#include "transport/base/address.hpp"

namespace parley::client {

namespace ssl = boost::asio::ssl;

Result<TlsContext> make_tls_context(const ServerUrl& server) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                       ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  boost::system::error_code error;
  if (server.trust.ca_file.empty())
    context->set_default_verify_paths(error);
  else
    context->load_verify_file(server.trust.ca_file, error);
  if (error)
    return Error{"certificates to trust: " + server.trust.ca_file + ": " + error.message(), error.value()};
  context->set_verify_mode(server.trust.anybody ? ssl::verify_none : ssl::verify_peer);
  return context;
}

net::Stream::Tls make_tls_stream(net::Stream::Tcp tcp, ssl::context& context, const ServerUrl& server) {
  net::Stream::Tls stream(std::move(tcp), context);
  const bool is_address = IpAddress::parse(server.host).has_value();
  if (!is_address) ::SSL_set_tlsext_host_name(stream.native_handle(), server.host.c_str());
  if (!server.trust.anybody) stream.set_verify_callback(ssl::host_name_verification(server.host));
  return stream;
}

}  // namespace parley::client
