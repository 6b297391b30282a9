// The kinds of values that streams and playback have.
#pragma once

#include "mcu/settings/kinds.hpp"

namespace parley::settings {

Kind<std::vector<std::string>> stream_rules();
Kind<std::vector<std::string>> webhook_rules();
// A program by its absolute path, and its arguments; or [].
Kind<std::vector<std::string>> command();
Kind<std::vector<Settings::StartedStream>> started_streams();
// A path or a name, or "" for none.
Kind<std::string> optional_path(std::string expected);

}  // namespace parley::settings
