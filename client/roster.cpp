#include "client/roster.hpp"

#include <algorithm>

namespace parley::client {

void Roster::reset(const std::vector<Participant>& all) {
  const std::lock_guard lock(mutex_);
  participants_ = all;
}

void Roster::put(const Participant& participant) {
  const std::lock_guard lock(mutex_);
  if (Participant* known = find(participant.id))
    *known = participant;
  else
    participants_.push_back(participant);
}

std::optional<Roster::Participant> Roster::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  Participant* known = find(id);
  if (known == nullptr) return std::nullopt;
  Participant gone = std::move(*known);
  participants_.erase(participants_.begin() + (known - participants_.data()));
  return gone;
}

std::optional<Roster::Participant> Roster::set_talking(const std::string& id, bool talking,
                                                       std::uint8_t level) {
  const std::lock_guard lock(mutex_);
  Participant* known = find(id);
  if (known == nullptr) return std::nullopt;
  known->talking = talking;
  known->level = talking ? level : 127;
  return *known;
}

void Roster::set_levels(const std::map<std::string, std::uint8_t>& levels) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, level] : levels)
    if (Participant* known = find(id)) known->level = level;
}

std::vector<Roster::Participant> Roster::list() const {
  const std::lock_guard lock(mutex_);
  return participants_;
}

Roster::Participant* Roster::find(const std::string& id) {
  const auto at = std::find_if(participants_.begin(), participants_.end(),
                               [&id](const Participant& participant) { return participant.id == id; });
  return at == participants_.end() ? nullptr : &*at;
}

}  // namespace parley::client
