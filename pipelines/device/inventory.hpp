// What this machine offers to a call: sound devices and GStreamer elements. For `parley doctor`.
#pragma once

#include <string>
#include <vector>

namespace parley::device {

struct SoundDevice {
  std::string name;
  bool input = false;  // false: output
};
// Asks every device provider; takes up to a second or two.
std::vector<SoundDevice> sound_devices();

std::string gstreamer_version();
// Those of `names` that no installed plugin provides.
std::vector<std::string> missing_elements(const std::vector<std::string>& names);

}  // namespace parley::device
