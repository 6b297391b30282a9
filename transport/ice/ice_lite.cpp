#include "transport/ice/ice_lite.hpp"

#include <algorithm>

#include "transport/stun/stun_message.hpp"

namespace parley::ice {
namespace {

ByteBuffer to_buffer(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

ByteBuffer success(const stun::StunMessage& request, const Address& from, const std::string& pwd) {
  stun::StunBuilder reply(stun::Class::success, request.transaction_id());
  return to_buffer(reply.xor_mapped_address(from).integrity(pwd).fingerprint().bytes());
}

ByteBuffer role_conflict(const stun::StunMessage& request, const std::string& pwd) {
  stun::StunBuilder reply(stun::Class::error, request.transaction_id());
  return to_buffer(reply.error_code(487).integrity(pwd).fingerprint().bytes());
}

ByteBuffer unknown_attributes(const stun::StunMessage& request, const std::string& pwd) {
  constexpr std::size_t kNamed = 8;  // the rest need not be told, and the reply stays small
  const auto unknown = request.unknown_required();
  stun::StunBuilder reply(stun::Class::error, request.transaction_id());
  reply.error_code(420).unknown_attributes(unknown.first(std::min(unknown.size(), kNamed)));
  return to_buffer(reply.integrity(pwd).fingerprint().bytes());
}

}  // namespace

IceLite::IceLite(Credentials local, std::string remote_ufrag)
    : current_(generation(std::move(local), remote_ufrag)) {}

IceLite::Generation IceLite::generation(Credentials local, const std::string& remote_ufrag) {
  std::string username = local.ufrag + ":" + remote_ufrag;
  return {std::move(local), std::move(username)};
}

void IceLite::restart(Credentials local, std::string remote_ufrag) {
  next_ = generation(std::move(local), remote_ufrag);
}

IceLiteResult IceLite::receive(TimePoint at, const Address& from, Bytes datagram) {
  const auto request = stun::StunMessage::parse(datagram);
  if (!request || !request->is_binding(stun::Class::request) || !request->has_fingerprint()) return {};
  if (!accept_credentials(*request)) return {};

  IceLiteResult result;
  const std::string& pwd = current_.local.pwd;
  if (!request->unknown_required().empty()) {
    result.response = unknown_attributes(*request, pwd);
    return result;
  }
  // RFC 8445 section 6.1.1: whoever talks to a lite agent controls.
  if (request->ice_controlled()) {
    result.response = role_conflict(*request, pwd);
    return result;
  }
  result.response = success(*request, from, pwd);
  result.authenticated = true;
  result.nominated = request->use_candidate();
  last_authenticated_ = at;

  const bool is_new = find(from) == nullptr;
  Path& path = admit(at, from);
  path.last_check = path.last_heard = at;
  if (!remote_) {
    remote_ = from;
    result.rebound = true;
  }
  if (result.nominated) {
    result.rebound |= nominate(at, path);
  } else if (from != *remote_) {
    const Path& current = *find(*remote_);
    const Duration silence = at - current.last_heard;
    const bool moved = is_new && current.nominated && silence >= kSilence;
    if (moved || silence >= kGone) result.rebound |= change(at, from, silence);
  }
  return result;
}

// Takes the credentials of the check into use if they are the next generation's: the restart is done then.
bool IceLite::accept_credentials(const stun::StunMessage& request) {
  const auto username = request.username();
  if (!username) return false;
  if (*username == current_.username && request.verify_integrity(current_.local.pwd)) return true;
  if (!next_ || *username != next_->username || !request.verify_integrity(next_->local.pwd)) return false;
  current_ = std::move(*next_);
  next_.reset();
  for (Path& path : paths_) path.nominated = false;  // the peer will nominate anew
  return true;
}

bool IceLite::nominate(TimePoint at, Path& path) {
  path.nominated = true;
  if (path.address == *remote_) return false;
  Path& current = *find(*remote_);
  if (current.nominated) return change(at, path.address, at - current.last_heard);
  remote_ = path.address;  // the first choice is no change of mind
  return true;
}

bool IceLite::heard(TimePoint at, const Address& from) {
  Path* path = find(from);
  if (path == nullptr) return false;
  path->last_heard = at;
  if (from == *remote_) return false;
  const Duration silence = at - find(*remote_)->last_heard;
  return silence >= kSilence && change(at, from, silence);
}

// The hysteresis of all changes from one working address to another. `silence` of the current one.
bool IceLite::change(TimePoint at, const Address& to, Duration silence) {
  const bool moved_on = silence >= kSilence / 2 && !find(to)->left;
  if (last_change_ && at - *last_change_ < hold_ && silence <= kDead && !moved_on) return false;
  const bool again = last_change_ && at - *last_change_ < kCalm;
  hold_ = again ? std::min(hold_ * 2, kLastHold) : kFirstHold;
  last_change_ = at;
  find(to)->nominated |=
      find(*remote_)->nominated;  // it inherits: only silence or the peer's wish moves media again
  find(*remote_)->left = true;
  remote_ = to;
  return true;
}

bool IceLite::validated(const Address& from) const {
  return find(from) != nullptr;
}

bool IceLite::consent_valid(TimePoint at) const {
  return remote_ && at - find(*remote_)->last_check < kConsent;
}

IceLite::Path* IceLite::find(const Address& address) {
  const auto found =
      std::find_if(paths_.begin(), paths_.end(), [&](const Path& p) { return p.address == address; });
  return found == paths_.end() ? nullptr : &*found;
}
const IceLite::Path* IceLite::find(const Address& address) const {
  return const_cast<IceLite*>(this)->find(address);
}

// Finds or adds; the address heard least recently makes room.
IceLite::Path& IceLite::admit(TimePoint at, const Address& address) {
  if (Path* known = find(address)) return *known;
  if (paths_.size() < kMaxValidated) return paths_.emplace_back(Path{address, at, at});
  const auto last_heard = [&](const Path& path) {
    return path.address == remote_ ? TimePoint::max() : path.last_heard;
  };
  const auto oldest = std::min_element(paths_.begin(), paths_.end(), [&](const Path& a, const Path& b) {
    return last_heard(a) < last_heard(b);
  });
  return *oldest = Path{address, at, at};
}

}  // namespace parley::ice
