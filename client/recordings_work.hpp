// What `parley recordings remix`, `waveform` and `play` do. Each returns the exit code.
#pragma once

#include <string>

#include "client/recordings.hpp"

namespace parley::client {

int run_remix(const RecordingsCommand& command);
int run_waveform(const RecordingsCommand& command);
int run_play_recording(const RecordingsCommand& command);

// To standard error; returns `code`.
int complain(int code, const std::string& what);

}  // namespace parley::client
