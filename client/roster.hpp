// Who is in the room, kept up to date from the server's events.
//
// Threads: updates belong to the network thread; list() to anyone.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "transport/protocol/messages.hpp"

namespace parley::client {

class Roster {
 public:
  using Participant = protocol::Participant;

  void reset(const std::vector<Participant>& all);
  void put(const Participant& participant);  // joined or updated
  // Each returns who it was about, or nothing for someone unknown.
  std::optional<Participant> remove(const std::string& id);
  std::optional<Participant> set_talking(const std::string& id, bool talking, std::uint8_t level);
  // Talkers that `levels` does not name keep theirs; who does not talk has none.
  void set_levels(const std::map<std::string, std::uint8_t>& levels);

  std::vector<Participant> list() const;  // in the order of joining

 private:
  Participant* find(const std::string& id);  // mutex_ held

  mutable std::mutex mutex_;
  std::vector<Participant> participants_;  // guarded by mutex_
};

}  // namespace parley::client
