// Ears for calls in which everybody sends a steady tone: silences are what the ear finds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/scenario/call.hpp"

namespace parley::scenario {

inline constexpr double kToneAmplitude = 0.1;

std::unique_ptr<client::AudioSource> steady_tone(double hz);

// The longest silence at this frequency after it had begun, in milliseconds. `from`: samples to leave out.
double longest_gap_ms(const std::vector<float>& heard, double hz, std::size_t from = 0);

// Until the last `seconds` are full of the tone; empty, or what is missing.
std::string wait_tone(const Caller& caller, double hz, double seconds = 0.5, Duration limit = 10s);

// A caller with a steady tone and without DTX: a steady tone is noise to the encoder's ear.
std::unique_ptr<Caller> join_with_tone(Clients& clients, const Server& server, const std::string& room,
                                       const std::string& name, double hz);

}  // namespace parley::scenario
