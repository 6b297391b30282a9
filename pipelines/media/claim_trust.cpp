#include "pipelines/media/claim_trust.hpp"

#include <algorithm>

namespace parley::media {

namespace {

constexpr Duration kSlot = 20ms;
constexpr std::int64_t kSlots = 32;
constexpr std::int64_t kPacket = 3;    // slots for which a claim speaks: packets of up to 60 ms
constexpr Duration kRunBreak = 150ms;  // claims further apart are two runs (a packet has at most 120 ms)
constexpr Duration kForgiveness = 10s;
constexpr Duration kRedemption = 400ms;  // of sound, after which claims count again
constexpr int kMostFruitless = 3;

std::int64_t slot_of(TimePoint at) {
  return at.time_since_epoch() / kSlot;
}

}  // namespace

void ClaimTrust::History::add(std::int64_t slot) {
  const std::int64_t ahead = slot - newest;
  if (ahead > 0) {
    bits = ahead < kSlots ? bits << ahead : 0;
    newest = slot;
    bits |= 1;
  } else if (ahead > -kSlots) {
    bits |= 1U << -ahead;
  }
}

bool ClaimTrust::History::any(std::int64_t from, std::int64_t to) const {
  const std::int64_t youngest = newest - std::min(to, newest);
  const std::int64_t oldest = std::min(newest - from, kSlots - 1);
  for (std::int64_t age = youngest; age <= oldest; ++age) {
    if ((bits >> age & 1U) != 0) return true;
  }
  return false;
}

bool ClaimTrust::claim(TimePoint at) {
  claims_.add(slot_of(at));
  if (at - last_claim_ > kRunBreak) run_ = 0;
  last_claim_ = at;
  if (run_++ == 0 && !spurt_) spurt_since_ = at;
  if (lost_) return false;
  if (spurt_) return true;
  if (fruitless_ > 0 && at - forgiven_at_ >= kForgiveness) {
    --fruitless_;
    forgiven_at_ = at;
  }
  spurt_ = run_ > fruitless_;
  return spurt_;
}

bool ClaimTrust::decoded(TimePoint arrived, Duration span, bool silent) {
  if (!silent) {
    confirmed_ = true;
    silent_ = Duration::zero();
    fruitless_ = 0;
    heard_ += span;
    if (heard_ >= kRedemption) lost_ = false;
    return true;
  }
  if (lost_ || !spurt_ || (!confirmed_ && arrived < spurt_since_)) return true;
  const std::int64_t slot = slot_of(arrived);
  const bool claimed = claims_.any(slot - kPacket + 1, slot);
  if (claimed || !confirmed_) silent_ += span;
  if (silent_ >= false_claim_ && claimed) {
    lose();
    return false;
  }
  if (confirmed_) return true;
  // All that was claimed has been played, and none of it was heard. Noise does that now and then: it costs
  // the place, but not yet the trust.
  const bool over = !claimed && !claims_.any(slot, claims_.newest);
  if (!over && silent_ < false_claim_) return true;
  end_spurt();
  forgiven_at_ = last_claim_;
  if (++fruitless_ > kMostFruitless) lose();
  return false;
}

void ClaimTrust::lose() {
  lost_ = true;
  heard_ = Duration::zero();
  silent_ = Duration::zero();
}

void ClaimTrust::prove() {
  spurt_ = true;
  confirmed_ = true;
}

void ClaimTrust::end_spurt() {
  spurt_ = false;
  confirmed_ = false;
  silent_ = Duration::zero();
}

}  // namespace parley::media
