#include "client/net_thread.hpp"

#include "transport/base/check.hpp"
#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"
#include "transport/dtls/identity.hpp"

namespace parley::client {

NetThread::NetThread(const std::string& name)
    : context_(1), keep_alive_(context_.get_executor()), thread_([this, name] {
        name_this_thread(name);
        context_.run();
      }) {}

NetThread::~NetThread() {
  PARLEY_ASSERT(!is_current());
  keep_alive_.reset();
  context_.stop();
  thread_.join();
}

const dtls::Identity* NetThread::identity() {
  PARLEY_ASSERT(is_current());
  if (!identity_) {
    auto made = dtls::Identity::create();
    if (!made) {
      log::error("DTLS certificate: {}", made.error().what);
      return nullptr;
    }
    identity_ = std::move(*made);
  }
  return identity_.get();
}

}  // namespace parley::client
