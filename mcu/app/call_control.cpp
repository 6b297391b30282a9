#include "mcu/app/call_control.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>

#include "mcu/app/recording_delivery.hpp"
#include "mcu/signaling/token.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/log.hpp"

namespace parley::app {
namespace {

template <typename Unit>
std::int64_t since_1970() {
  return std::chrono::duration_cast<Unit>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

CallControl::CallControl(const settings::Settings& settings, PostToCtl post) : post_(std::move(post)) {
  reload(settings);
}
CallControl::~CallControl() {
  *alive_ = false;
}

void CallControl::reload(const settings::Settings& settings) {
  token_key_ = settings.auth.token_key;
  const auto& s = settings.webhooks;
  if (auto made = Webhook::make(s.url, s.key, s.allow))
    webhook_ = std::make_shared<const Webhook>(std::move(made).value());
}

room::CallSettings CallControl::call_settings(const settings::Settings& settings) {
  room::CallSettings out;
  out.ring_timeout = settings.calls.ring_timeout;
  out.calls_per_minute = settings.calls.per_minute;
  out.requests_per_second_per_address = settings.limits.joins_per_second_per_address;
  out.max_names = settings.limits.participants;
  out.token_required = !settings.auth.token_key.empty();
  return out;
}

std::string CallControl::invite(const std::string& room, const std::string& name) {
  if (token_key_.empty()) return {};
  signaling::TokenClaims claims;
  claims.room = room;
  claims.name = name;
  claims.expires = std::chrono::system_clock::now() + kTokenLife;
  return signaling::sign_token(claims, token_key_);
}

void CallControl::missed(const std::string& to, const std::string& from, const std::string& outcome) {
  if (!webhook_ || !webhook_->wanted()) return;
  if (owed_.size() >= kMaxOwed) owed_.pop_front();
  const boost::json::object call{
      {"to", to}, {"from", from}, {"outcome", outcome}, {"at_ms", since_1970<std::chrono::milliseconds>()}};
  owed_.push_back({random_token(12),
                   boost::json::serialize(boost::json::object{{"event", "call.missed"}, {"call", call}})});
}

void CallControl::on_timer(TimePoint at) {
  for (std::size_t left = owed_.size(); left > 0 && running_ < kAtOnce; --left) {
    Owed next = std::move(owed_.front());
    owed_.pop_front();
    if (next.not_before > at)
      owed_.push_back(std::move(next));
    else
      launch(std::move(next));
  }
}

void CallControl::launch(Owed owed) {
  const bool begun = helpers_.run([this, alive = alive_, post = post_, webhook = webhook_, owed] {
    const auto posted =
        webhook->post("call.missed", owed.delivery, owed.body, since_1970<std::chrono::seconds>());
    post([this, alive, owed, posted]() mutable {
      if (!*alive) return;
      --running_;
      if (posted) return;
      const bool given_up = ++owed.attempts >= kTries;
      log::warn("call.missed: the webhook failed ({}){}", log::printable(posted.error().what),
                given_up ? ", it is given up" : "");
      if (given_up) return;
      owed.not_before = now() + delivery_delay(owed.attempts);
      owed_.push_back(std::move(owed));
    });
  });
  if (begun) ++running_;
}

}  // namespace parley::app
