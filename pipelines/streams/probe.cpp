#include "pipelines/streams/probe.hpp"

#include <gio/gio.h>

#include <algorithm>
#include <memory>
#include <string>

namespace parley::streams {
namespace {

constexpr std::size_t kHandshake =
    1'537;  // C0 and C1 of RTMP: the version, then what the server is to repeat

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;

std::string question(const Target& target) {
  if (target.kind == Kind::icecast)
    return "HEAD " + target.path + " HTTP/1.0\r\nHost: " + target.host + "\r\nUser-Agent: parley\r\n\r\n";
  std::string handshake(kHandshake, '\0');
  handshake.front() = 3;
  return handshake;
}

// Silence is an answer, too: of a server that accepts nobody any more its system drops the newcomers. Who is
// refused or cut off has not asked.
Answer answer_of(GError* error) {
  const bool silent = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) == TRUE;
  g_clear_error(&error);
  return silent ? Answer::no : Answer::unknown;
}

}  // namespace

Answer probe(const Target& target, const IpAddress& address, Duration timeout, GCancellable* cancel) {
  const Owned<GSocketClient> client(g_socket_client_new());
  const bool tls = target.kind == Kind::rtmps;
  g_socket_client_set_timeout(client.get(), static_cast<guint>(std::max<std::int64_t>(1, timeout / 1s)));
  g_socket_client_set_tls(client.get(), tls);
  g_socket_client_set_enable_proxy(client.get(), FALSE);
  const auto host = tls ? target.host : address.to_string();
  const Owned<GSocketConnectable> where(g_network_address_new(host.c_str(), target.port));
  GError* error = nullptr;
  const Owned<GSocketConnection> connection(
      g_socket_client_connect(client.get(), where.get(), cancel, &error));
  if (!connection) return answer_of(error);
  const auto text = question(target);
  if (g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection.get())), text.data(),
                                text.size(), nullptr, cancel, &error) == FALSE)
    return answer_of(error);
  char byte = 0;
  const auto got = g_input_stream_read(g_io_stream_get_input_stream(G_IO_STREAM(connection.get())), &byte, 1,
                                       cancel, &error);
  return got >= 0 ? Answer::yes : answer_of(error);  // to hang up is an answer
}

}  // namespace parley::streams
