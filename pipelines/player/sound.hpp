// Sounds that can be played into a room: mono float at 48 kHz, pulled in pieces of one tick, never waiting.
//
// Threads: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::player {

class Sound {
 public:
  virtual ~Sound() = default;
  // Writes all of `out`, silence where there is nothing yet or any more. Returns false at the end.
  virtual bool read(std::span<float> out) = 0;
  virtual std::optional<Duration> duration() const { return std::nullopt; }
};

// A sine, faded in and out; endless without `length`.
std::unique_ptr<Sound> make_tone(double hz, std::optional<Duration> length);

// Opens the file, which takes its time: not on a thread that must not wait.
Result<std::unique_ptr<Sound>> open_sound(const std::string& path, bool loop);

// `name` below `directory`: the real path, if it is a file there and stays there whatever links say. Errors
// name the name only.
Result<std::string> find_below(const std::string& directory, const std::string& name);

}  // namespace parley::player
