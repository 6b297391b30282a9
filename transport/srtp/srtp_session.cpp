#include "transport/srtp/srtp_session.hpp"

#include <arpa/inet.h>
#include <srtp2/srtp.h>

#include <algorithm>
#include <string>

#include "transport/base/check.hpp"

namespace parley::srtp {
namespace {

constexpr std::size_t kRtpHeader = 12;
constexpr std::size_t kRtcpHeader = 8;

std::uint32_t ssrc_at(std::span<const std::uint8_t> packet, std::size_t offset) {
  ByteReader reader(packet.subspan(offset));
  return reader.u32();
}

// libsrtp is a process-wide affair and knows no reference count.
srtp_err_status_t initialise() {
  static const srtp_err_status_t status = srtp_init();
  return status;
}

Failure failure_of(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_ok:
      return Failure::none;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail:  // what the NSS build of libsrtp says when a GCM tag does not match
      return Failure::authentication;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
      return Failure::replay;
    default:
      return Failure::other;
  }
}

Result<srtp_t> create_context(Profile profile, const MasterKey& key, srtp_ssrc_type_t direction) {
  srtp_policy_t policy{};
  const auto wanted =
      profile == Profile::aead_aes_128_gcm ? srtp_profile_aead_aes_128_gcm : srtp_profile_aes128_cm_sha1_80;
  srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, wanted);
  srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, wanted);
  if (key.bytes().size() != kKeyLength + salt_length(profile))
    return Error{"SRTP key length does not fit " + std::string(to_string(profile))};
  policy.ssrc.type = direction;
  policy.key = const_cast<unsigned char*>(key.bytes().data());  // only read by srtp_create
  policy.window_size = Session::kReplayWindow;
  policy.allow_repeat_tx = 0;

  srtp_t context = nullptr;
  const auto status = srtp_create(&context, &policy);
  if (status != srtp_err_status_ok) return Error{"srtp_create failed", static_cast<int>(status)};
  return context;
}

}  // namespace

void Session::Deleter::operator()(srtp_ctx_t_* context) const {
  srtp_dealloc(context);
}

Session::Session(Context outbound, Context inbound)
    : outbound_(std::move(outbound)), inbound_(std::move(inbound)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::create(const SrtpKeys& keys) {
  if (const auto status = initialise(); status != srtp_err_status_ok)
    return Error{"srtp_init failed", static_cast<int>(status)};
  auto outbound = create_context(keys.profile, keys.local, ssrc_any_outbound);
  if (!outbound) return outbound.error();
  Context owned_outbound(*outbound);
  auto inbound = create_context(keys.profile, keys.remote, ssrc_any_inbound);
  if (!inbound) return inbound.error();
  return std::unique_ptr<Session>(new Session(std::move(owned_outbound), Context(*inbound)));
}

std::optional<std::size_t> Session::finish(int status, int length) {
  last_failure_ = failure_of(static_cast<srtp_err_status_t>(status));
  if (last_failure_ != Failure::none) return std::nullopt;
  return static_cast<std::size_t>(length);
}

std::optional<std::size_t> Session::protect_rtp(std::span<std::uint8_t> buffer, std::size_t length) {
  if (length < kRtpHeader || buffer.size() < length + kMaxOverhead)
    return finish(srtp_err_status_bad_param, 0);
  int size = static_cast<int>(length);
  const auto status = srtp_protect(outbound_.get(), buffer.data(), &size);
  return finish(status, size);
}

std::optional<std::size_t> Session::protect_rtcp(std::span<std::uint8_t> buffer, std::size_t length) {
  if (length < kRtcpHeader || buffer.size() < length + kMaxOverhead)
    return finish(srtp_err_status_bad_param, 0);
  int size = static_cast<int>(length);
  const auto status = srtp_protect_rtcp(outbound_.get(), buffer.data(), &size);
  return finish(status, size);
}

std::optional<std::size_t> Session::unprotect_rtp(std::span<std::uint8_t> buffer, std::size_t length) {
  if (length < kRtpHeader || buffer.size() < length) return finish(srtp_err_status_bad_param, 0);
  int size = static_cast<int>(length);
  const auto status = srtp_unprotect(inbound_.get(), buffer.data(), &size);
  if (status == srtp_err_status_ok) note_inbound(ssrc_at(buffer, 8));
  return finish(status, size);
}

std::optional<std::size_t> Session::unprotect_rtcp(std::span<std::uint8_t> buffer, std::size_t length) {
  if (length < kRtcpHeader || buffer.size() < length) return finish(srtp_err_status_bad_param, 0);
  int size = static_cast<int>(length);
  const auto status = srtp_unprotect_rtcp(inbound_.get(), buffer.data(), &size);
  if (status == srtp_err_status_ok) note_inbound(ssrc_at(buffer, 4));
  return finish(status, size);
}

void Session::advance_roll_over(std::uint32_t ssrc, std::uint32_t by) {
  std::uint32_t counter = 0;
  if (srtp_get_stream_roc(inbound_.get(), ssrc, &counter) != srtp_err_status_ok) return;
  [[maybe_unused]] const auto status = srtp_set_stream_roc(inbound_.get(), ssrc, counter + by);
  PARLEY_ASSERT(status == srtp_err_status_ok);
}

// libsrtp authenticates a packet of an unknown SSRC with its template and makes a stream (replay window,
// roll-over counter) only when that succeeds. It never forgets one, though, and searches them one after the
// other.
void Session::note_inbound(std::uint32_t ssrc) {
  const auto end = ssrcs_.begin() + static_cast<std::ptrdiff_t>(ssrc_count_);
  auto place = std::find(ssrcs_.begin(), end, ssrc);
  if (place == end) {
    if (ssrc_count_ < kMaxInboundSsrcs) {
      ++ssrc_count_;
    } else {
      --place;
      [[maybe_unused]] const auto status = srtp_remove_stream(inbound_.get(), htonl(*place));
      PARLEY_ASSERT(status == srtp_err_status_ok);
    }
    *place = ssrc;
  }
  std::rotate(ssrcs_.begin(), place, place + 1);
}

}  // namespace parley::srtp
