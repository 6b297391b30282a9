// RecordingControl's part on the thread `disk`: the catalogue, and what the recorder tells.
#include <utility>

#include "mcu/app/recording_control.hpp"
#include "transport/base/log.hpp"

namespace parley::app {
namespace {

constexpr Duration kRetryCatalogue = 5s;
constexpr std::size_t kMaxIncomplete = 1'000;

}  // namespace

recording::Catalogue* RecordingControl::catalogue() {
  if (catalogue_) return catalogue_.get();
  const auto at = now();
  if (catalogue_tried_ != TimePoint{} && at - catalogue_tried_ < kRetryCatalogue) return nullptr;
  catalogue_tried_ = at;
  catalogue_disk_ = std::make_unique<recording::PosixDisk>(root_);
  const auto running = [this](const std::string& id) { return recorder_->find(id) != nullptr; };
  auto opened = recording::Catalogue::open(root_, *catalogue_disk_, running, owes_);
  if (!opened) {
    log::error("recording.directory: {}", opened.error().what);
    post_([this, cause = opened.error().what] { health_.index(cause); });
    return nullptr;
  }
  catalogue_ = std::move(opened).value();
  for (auto& manifest : catalogue_->take_repaired()) measure(std::move(manifest));
  post_([this] { health_.index(""); });
  return catalogue_.get();
}

void RecordingControl::on_progress(const recording::Manifest& manifest) {
  if (auto* found = catalogue()) static_cast<void>(found->enter(manifest));
}

void RecordingControl::on_finished(const recording::Manifest& manifest) {
  measure(manifest);
  complete(manifest);
  log::info("recording {} of room {}: {:.0f} s, {} tracks ({})", manifest.id, manifest.room,
            static_cast<double>(manifest.duration_ms) / 1'000, manifest.tracks.size(), manifest.reason);
}

// Before anything is told of it: what is delivered has its tags.
void RecordingControl::measure(recording::Manifest manifest) {
  post_([this, manifest = std::move(manifest)] {
    if (settings_.loudness && measurer_->add(manifest)) delivery_->hold(manifest.id);
  });
}

void RecordingControl::complete(const recording::Manifest& manifest) {
  auto* found = catalogue();
  if (found != nullptr && found->complete(manifest)) {
    if (!owes_.empty()) post_([this] { delivery_->look_soon(); });
    return;
  }
  if (incomplete_.size() < kMaxIncomplete) incomplete_.push_back(manifest);
}

void RecordingControl::complete_the_rest() {
  for (const auto& manifest : std::exchange(incomplete_, {})) complete(manifest);
}

void RecordingControl::on_trouble(const recording::Manifest& manifest, bool in_trouble) {
  const auto cause = in_trouble && !manifest.troubles.empty() ? manifest.troubles.back().what : std::string();
  post_([this, id = manifest.id, cause] { health_.refused(id, cause); });
  if (in_trouble) {
    log::error("recording {}: {} takes nothing more ({}); the call goes on, recording resumes when it can",
               manifest.id, root_, cause);
  } else {
    log::info("recording {}: resumes", manifest.id);
  }
}

void RecordingControl::on_disk_low() {
  post_([this] {
    disk_low_ = true;
    while (!active_.empty()) {
      const auto room = active_.begin()->first;
      waiting_.insert(room);
      rooms_->tell_moderators(room, room::RecordingTrouble{active_.begin()->second.id, "low",
                                                           "less than recording.min_free_mb is free"});
      end(active_.begin(), "disk-low");
      rooms_->set_recording(room, false);
    }
  });
}

// Whoever would have been recorded is.
void RecordingControl::on_disk_roomy() {
  post_([this] {
    disk_low_ = false;
    for (const auto& room : std::exchange(waiting_, {})) {
      const auto people = rooms_->roster(room);
      if (!people || people->empty() || active_.contains(room) || declined_.contains(room)) continue;
      const auto begun = begin(room);
      if (!begun) continue;
      give_notice(**begun, room);
      rooms_->set_recording(room, true);
    }
  });
}

}  // namespace parley::app
