#include "mcu/app/seat_control.hpp"

#include <chrono>
#include <filesystem>
#include <utility>

#include "transport/base/log.hpp"

namespace parley::app {
namespace {

constexpr Duration kAlive = 30s;             // how often the file is told that the server still is
constexpr Duration kTryAgain = 5s;           // a file that could not be opened
constexpr std::size_t kMaxWaiting = 10'000;  // changes, while the disk does not answer

std::int64_t wall_ms(Duration from_now = {}) {
  const auto at = std::chrono::system_clock::now().time_since_epoch() + from_now;
  return std::chrono::duration_cast<std::chrono::milliseconds>(at).count();
}

// Keys are any bytes; the file has them as digits.
std::string to_hex(const std::string& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
  }
  return out;
}

std::string from_hex(const std::string& digits) {
  std::string out;
  const auto value = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    out.push_back(static_cast<char>(value(digits[i]) << 4U | value(digits[i + 1])));
  return out;
}

}  // namespace

// The disk thread's.
struct SeatControl::Disk {
  explicit Disk(std::string file) : path(std::move(file)) {}

  bool open() {
    if (store) return true;
    if (tried != TimePoint{} && now() - tried < kTryAgain) return false;
    tried = now();
    std::error_code error;
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    auto opened = store::SeatStore::open(path);
    if (opened) {
      store = std::move(opened).value();
    } else {
      complain(opened.error());
    }
    return store != nullptr;
  }
  void write(const store::SeatStore::Changes& changes) {
    if (!open()) return;
    if (const auto written = store->apply(changes, wall_ms()); !written)
      complain(written.error());
    else
      complained = false;
  }
  void complain(const Error& error) {
    if (!std::exchange(complained, true))
      log::warn("rooms.state_file: {}; not everybody is remembered over a restart", error.what);
  }

  const std::string path;
  std::unique_ptr<store::SeatStore> store;
  TimePoint tried{};
  bool complained = false;
};

SeatControl::SeatControl(const settings::Settings& settings, Post post, OnDisk on_disk)
    : path_(settings.rooms.state_file),
      post_(std::move(post)),
      on_disk_(std::move(on_disk)),
      disk_(std::make_shared<Disk>(path_)) {}
SeatControl::~SeatControl() {
  *alive_ = false;
}

void SeatControl::bring_back(TimePoint at, room::RoomService& rooms) {
  std::error_code error;
  if (path_.empty() || !std::filesystem::exists(path_, error) || !disk_->open()) return;
  const auto found = disk_->store->load(wall_ms());
  if (!found) return log::warn("rooms.state_file: {}", found.error().what);
  room::Memory memory;
  for (const auto& row : found->seats)
    memory.seats.push_back({row.room, row.participant, row.name, row.resume,
                            row.moderator ? room::Role::moderator : room::Role::participant, row.muted,
                            row.call});
  for (const auto& token : found->used)
    memory.used_once_keys.emplace_back(from_hex(token.key),
                                       at + std::chrono::milliseconds(token.expires_ms - wall_ms()));
  if (!memory.seats.empty())
    log::info("{} participants may come back to where they were before the restart", memory.seats.size());
  remembers_ = !memory.seats.empty();
  rooms.restore(at, memory);
}

void SeatControl::keep(const room::Seat& seat) {
  if (path_.empty()) return;
  remembers_ = true;
  changed_[seat.participant] =
      store::SeatRow{seat.participant, seat.room, seat.name, seat.resume, seat.role == room::Role::moderator,
                     seat.muted,       seat.call};
  flush();
}

void SeatControl::forget(const room::ParticipantId& who) {
  if (path_.empty()) return;
  changed_[who] = std::nullopt;
  flush();
}

void SeatControl::used_once(const std::string& key, TimePoint expires) {
  if (path_.empty()) return;
  used_.push_back({to_hex(key), wall_ms(expires - now())});
  flush();
}

void SeatControl::on_timer(TimePoint at) {
  if (at >= next_alive_ && remembers_ && !writing_) {
    next_alive_ = at + kAlive;
    writing_ = on_disk_([disk = disk_, post = post_, alive = alive_, this] {
      disk->write({});
      post([alive, this] {
        if (*alive) writing_ = false;
      });
    });
  }
  flush();
}

// One write at a time: what changes meanwhile goes with the next.
void SeatControl::flush() {
  // A disk that takes nothing for long costs the memory of it, no more.
  if (changed_.size() + used_.size() > kMaxWaiting) {
    changed_.clear();
    used_.clear();
  }
  if (writing_ || (changed_.empty() && used_.empty())) return;
  store::SeatStore::Changes changes;
  for (const auto& [participant, row] : changed_) {
    if (row)
      changes.kept.push_back(*row);
    else
      changes.gone.push_back(participant);
  }
  changes.used = used_;
  const bool posted = on_disk_([disk = disk_, post = post_, alive = alive_, changes, this] {
    disk->write(changes);
    post([alive, this] {
      if (!*alive) return;
      writing_ = false;
      flush();
    });
  });
  if (posted) {
    changed_.clear();
    used_.clear();
  }
  writing_ = posted;
}

}  // namespace parley::app
