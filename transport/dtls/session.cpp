#include "transport/dtls/session.hpp"

#include <openssl/srtp.h>
#include <sys/time.h>

#include <algorithm>
#include <string_view>

#include "transport/base/check.hpp"
#include "transport/dtls/datagram_bio.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/dtls/openssl.hpp"
#include "transport/dtls/peer_check.hpp"
#include "transport/dtls/record_scan.hpp"

namespace parley::dtls {
namespace {

// An alert that anybody could have sent does not end a handshake at once: the true peer has this long to go
// on.
constexpr Duration kAlertGrace = 3s;
// Records of the next epoch that come before their key: OpenSSL keeps a whole read buffer (17 kB) for each,
// and up to 100 of them. A handshake with losses needs a few.
constexpr std::size_t kMaxEarlyRecords = 32;

// OpenSSL asks for the delay of the next retransmission, telling the last one; both in microseconds, 0: the
// first.
unsigned next_delay(SSL*, unsigned last) {
  using std::chrono::microseconds;
  const microseconds next = last == 0
                                ? std::chrono::duration_cast<microseconds>(Session::kFirstRetransmission)
                                : microseconds(last) * 2;
  return static_cast<unsigned>(
      std::min(next, std::chrono::duration_cast<microseconds>(Session::kLastRetransmission)).count());
}

std::optional<srtp::Profile> profile_of(const SRTP_PROTECTION_PROFILE* selected) {
  if (selected == nullptr) return std::nullopt;
  if (selected->id == SRTP_AEAD_AES_128_GCM) return srtp::Profile::aead_aes_128_gcm;
  if (selected->id == SRTP_AES128_CM_SHA1_80) return srtp::Profile::aes128_cm_sha1_80;
  return std::nullopt;
}

// RFC 5764 section 4.2: client key, server key, client salt, server salt.
std::optional<srtp::SrtpKeys> export_keys(SSL* ssl, Role role, srtp::Profile profile) {
  static constexpr std::string_view kLabel = "EXTRACTOR-dtls_srtp";
  const std::size_t salt = srtp::salt_length(profile);
  std::array<std::uint8_t, 2 * (srtp::kKeyLength + 14)> material;
  const std::size_t size = 2 * (srtp::kKeyLength + salt);
  if (SSL_export_keying_material(ssl, material.data(), size, kLabel.data(), kLabel.size(), nullptr, 0, 0) !=
      1)
    return std::nullopt;

  const Bytes all(material.data(), size);
  srtp::MasterKey client, server;
  client.assign(all.first(srtp::kKeyLength), all.subspan(2 * srtp::kKeyLength, salt));
  server.assign(all.subspan(srtp::kKeyLength, srtp::kKeyLength), all.last(salt));
  OPENSSL_cleanse(material.data(), material.size());
  if (role == Role::active) return srtp::SrtpKeys{profile, client, server};
  return srtp::SrtpKeys{profile, server, client};
}

}  // namespace

const char* to_string(FailureReason reason) {
  switch (reason) {
    case FailureReason::none:
      return "none";
    case FailureReason::wrong_certificate:
      return "wrong certificate";
    case FailureReason::no_srtp_profile:
      return "no SRTP profile in common";
    case FailureReason::refused:
      return "handshake refused";
    case FailureReason::timeout:
      return "handshake timed out";
  }
  return "unknown";
}

// Time. OpenSSL runs its retransmission timer on the wall clock and offers no other; only the delays are ours
// (next_delay). So after each call the time left is asked for and becomes a deadline on the caller's clock,
// and on_timer() lets OpenSSL act. OpenSSL takes a timer with less than 15 ms left for expired, which absorbs
// the difference between the two clocks. A wall clock set back in mid-handshake holds back our
// retransmission; the peer's go on, and the handshake limit is on the caller's clock.
class Session::Impl {
 public:
  Impl(const Identity& identity, Role role, Fingerprint expected, DatagramSink& sink, std::size_t mtu)
      : identity_(identity), role_(role), port_{.sink = sink, .mtu = mtu}, check_{std::move(expected)} {}

  void start(TimePoint at) {
    if (role_ != Role::active || state_ != State::idle) return;
    if (begin(at)) handshake(at);
  }

  void receive(TimePoint at, Bytes datagram) {
    if (state_ == State::idle && role_ == Role::passive && !begin(at)) return;
    if (datagram.empty() || !ssl_) return;
    if (state_ == State::handshaking) {
      if (!admissible(at, datagram)) return;
      port_.input = datagram;
      handshake(at);
    } else {
      port_.input = datagram;
    }
    if (state_ == State::connected) read_after_handshake();
    port_.input = {};
  }

  void on_timer(TimePoint at) {
    if (state_ != State::handshaking || at < next_timeout()) return;
    if (at >= give_up_at_) return fail(alerted_ ? FailureReason::refused : FailureReason::timeout);
    ERR_clear_error();
    const auto done = DTLSv1_handle_timeout(ssl_.get());
    port_.flush();
    if (done < 0) return fail(FailureReason::timeout);
    schedule(at);
  }

  void close() {
    if (state_ == State::failed || state_ == State::closed) return;
    if (state_ == State::connected) say_close();
    end(State::closed);
  }

  TimePoint next_timeout() const {
    return state_ == State::handshaking ? std::min(give_up_at_, retransmit_at_) : TimePoint::max();
  }
  State state() const { return state_; }
  FailureReason failure() const { return failure_; }
  const std::optional<srtp::SrtpKeys>& keys() const { return keys_; }

 private:
  bool begin(TimePoint at) {
    ssl_.reset(SSL_new(identity_.context()));
    BIO* bio = ssl_ ? new_datagram_bio(port_) : nullptr;
    if (bio == nullptr) {
      fail(FailureReason::refused);
      return false;
    }
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_mtu(ssl_.get(), static_cast<long>(port_.mtu));
    DTLS_set_timer_cb(ssl_.get(), next_delay);
    attach(check_, ssl_.get());
    if (role_ == Role::active) {
      SSL_set_connect_state(ssl_.get());
    } else {
      SSL_set_accept_state(ssl_.get());
    }
    state_ = State::handshaking;
    give_up_at_ = at + kHandshakeLimit;
    return true;
  }

  bool admissible(TimePoint at, Bytes datagram) {
    const auto scan = scan_records(datagram);
    if (scan.plain_alert) {
      alerted_ = true;
      give_up_at_ = std::min(give_up_at_, at + kAlertGrace);
    }
    early_records_ += scan.early_records;
    return !scan.plain_alert && early_records_ <= kMaxEarlyRecords;
  }

  void handshake(TimePoint at) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    port_.flush();
    if (done == 1) return complete();
    if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) return schedule(at);
    if (check_.wrong) return fail(FailureReason::wrong_certificate);
    const bool unanswered = ERR_GET_REASON(ERR_peek_error()) == SSL_R_READ_TIMEOUT_EXPIRED;
    fail(unanswered ? FailureReason::timeout : FailureReason::refused);
  }

  void complete() {
    if (!check_.passed) return fail(FailureReason::wrong_certificate);
    const auto profile = profile_of(SSL_get_selected_srtp_profile(ssl_.get()));
    if (profile) keys_ = export_keys(ssl_.get(), role_, *profile);
    if (!keys_) {
      say_close();
      return fail(FailureReason::no_srtp_profile);
    }
    state_ = State::connected;
  }

  // What may come now: the peer's last flight again (OpenSSL answers with ours, which was lost),
  // close_notify, and application data, which nobody has a use for.
  void read_after_handshake() {
    ERR_clear_error();
    SSL_alloc_buffers(ssl_.get());
    std::array<std::uint8_t, 2'048> ignored;
    int size = 0;
    do {
      size = SSL_read(ssl_.get(), ignored.data(), static_cast<int>(ignored.size()));
    } while (size > 0);
    port_.flush();
    switch (SSL_get_error(ssl_.get(), size)) {
      case SSL_ERROR_WANT_READ:
        release_buffers();
        break;
      case SSL_ERROR_ZERO_RETURN:
        say_close();
        end(State::closed);
        break;
      default:
        end(State::closed);
    }
  }

  // The record buffers (34 kB) come back by SSL_alloc_buffers() before the next use: SSL_MODE_RELEASE_BUFFERS
  // does nothing in DTLS.
  void release_buffers() { SSL_free_buffers(ssl_.get()); }

  void say_close() {
    ERR_clear_error();
    SSL_alloc_buffers(ssl_.get());
    SSL_shutdown(ssl_.get());
    port_.flush();
  }

  void schedule(TimePoint at) {
    timeval left{};
    const bool running = DTLSv1_get_timeout(ssl_.get(), &left) == 1;
    retransmit_at_ = running
                         ? at + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec)
                         : TimePoint::max();
  }

  void fail(FailureReason reason) {
    failure_ = reason;
    end(State::failed);
  }
  void end(State state) {
    state_ = state;
    ssl_.reset();
    ERR_clear_error();
  }

  const Identity& identity_;
  const Role role_;
  DatagramPort port_;
  PeerCheck check_;
  SslPointer ssl_;  // after what it points to
  State state_ = State::idle;
  FailureReason failure_ = FailureReason::none;
  std::optional<srtp::SrtpKeys> keys_;
  TimePoint give_up_at_{};
  TimePoint retransmit_at_ = TimePoint::max();
  bool alerted_ = false;
  std::size_t early_records_ = 0;
};

Session::Session(const Identity& identity, Role role, Fingerprint expected_peer, DatagramSink& sink,
                 std::size_t mtu)
    : impl_(std::make_unique<Impl>(identity, role, std::move(expected_peer), sink, mtu)) {}
Session::~Session() = default;

void Session::start(TimePoint at) {
  impl_->start(at);
}
void Session::receive(TimePoint at, Bytes datagram) {
  impl_->receive(at, datagram);
}
void Session::on_timer(TimePoint at) {
  impl_->on_timer(at);
}
TimePoint Session::next_timeout() const {
  return impl_->next_timeout();
}
void Session::close() {
  impl_->close();
}
State Session::state() const {
  return impl_->state();
}
FailureReason Session::failure() const {
  return impl_->failure();
}
const std::optional<srtp::SrtpKeys>& Session::keys() const {
  return impl_->keys();
}

}  // namespace parley::dtls
