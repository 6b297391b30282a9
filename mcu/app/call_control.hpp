// What the calls need from the rest of the server: tokens for the rooms they lead into.
//
// Threads: ctl.
#pragma once

#include <string>

#include "mcu/room/calls.hpp"
#include "mcu/settings/settings.hpp"

namespace parley::app {

class CallControl final : public room::CallPort {
 public:
  // Long enough for the longest call, and for coming back into it.
  static constexpr Duration kTokenLife = 24h;

  explicit CallControl(const settings::Settings& settings) : token_key_(settings.auth.token_key) {}
  void reload(const settings::Settings& settings) { token_key_ = settings.auth.token_key; }
  static room::CallSettings call_settings(const settings::Settings& settings);

  std::string invite(const std::string& room, const std::string& name) override;

 private:
  std::string token_key_;
};

}  // namespace parley::app
