#include "pipelines/streams/peer_watch.hpp"

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <mutex>

namespace parley::streams {
namespace {

constexpr int kSendBuffer = 32 * 1024;

std::mutex trust_lock;
GTlsDatabase* trusted = nullptr;  // under trust_lock

void on_event(GSocketClientEvent event, GIOStream* connection) {
  if (event == G_SOCKET_CLIENT_CONNECTED && G_IS_SOCKET_CONNECTION(connection)) {
    GSocket* socket = g_socket_connection_get_socket(G_SOCKET_CONNECTION(connection));
    bound_socket(g_socket_get_fd(socket));
  } else if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING && G_IS_TLS_CONNECTION(connection)) {
    const std::lock_guard lock(trust_lock);
    if (trusted != nullptr) g_tls_connection_set_database(G_TLS_CONNECTION(connection), trusted);
  }
}

// The sinks keep their GSocketClient to themselves; a hook sees the events of all.
gboolean hook(GSignalInvocationHint* /*hint*/, guint count, const GValue* values, gpointer /*data*/) {
  if (count == 4 && G_VALUE_HOLDS_OBJECT(&values[3])) {
    auto* connection = static_cast<GIOStream*>(g_value_get_object(&values[3]));
    if (connection != nullptr)
      on_event(static_cast<GSocketClientEvent>(g_value_get_enum(&values[1])), connection);
  }
  return TRUE;  // stay
}

}  // namespace

void bound_socket(int fd) {
  const unsigned untaken_ms = kUntaken / 1ms;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &untaken_ms, sizeof untaken_ms);
}

void watch_peers() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpointer type = g_type_class_ref(G_TYPE_SOCKET_CLIENT);  // its signals exist from now on
    g_signal_add_emission_hook(g_signal_lookup("event", G_TYPE_SOCKET_CLIENT), 0, hook, nullptr, nullptr);
    g_type_class_unref(type);
  });
}

Status trust_authorities(const std::string& file) {
  GTlsDatabase* database = nullptr;
  if (!file.empty()) {
    GError* error = nullptr;
    gchar* absolute = g_canonicalize_filename(file.c_str(), nullptr);
    database = g_tls_file_database_new(absolute, &error);
    g_free(absolute);
    if (database == nullptr) {
      const Error failed{file + ": " + error->message};
      g_error_free(error);
      return failed;
    }
  }
  const std::lock_guard lock(trust_lock);
  g_clear_object(&trusted);
  trusted = database;
  return Done{};
}

}  // namespace parley::streams
