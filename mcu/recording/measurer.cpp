#include "mcu/recording/measurer.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "mcu/recording/read_file.hpp"
#include "pipelines/recorder/comment_header.hpp"
#include "pipelines/recorder/ogg_page.hpp"
#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"

namespace parley::recording {
namespace {

class FileSource final : public recorder::ByteSource {
 public:
  explicit FileSource(std::shared_ptr<ReadFile> file) : file_(std::move(file)) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto part = file_->read(at_, into.size());
    if (!part) return Error{"the disk cannot read it"};
    std::copy(part->begin(), part->end(), into.begin());
    at_ += part->size();
    return part->size();
  }

 private:
  std::shared_ptr<ReadFile> file_;
  std::uint64_t at_ = 0;
};

}  // namespace

Measurer::Measurer(std::string root, DoneMeasuring done) : root_(std::move(root)), done_(std::move(done)) {
  thread_ = std::thread([this] { run(); });
}

bool Measurer::add(const Manifest& manifest) {
  Work work{manifest.id, manifest.folder, {}, now() + kPatience};
  if (!manifest.mixdown.file.empty()) work.files.push_back(manifest.mixdown.file);
  for (const auto& track : manifest.tracks) work.files.push_back(track.file);
  {
    const std::lock_guard lock(lock_);
    if (stopping_ || waiting_.size() >= kMaxWaiting) return false;
    waiting_.push_back(std::move(work));
  }
  ready_.notify_one();
  return true;
}

void Measurer::stop() {
  {
    const std::lock_guard lock(lock_);
    stopping_ = true;
  }
  ready_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Measurer::run() {
  name_this_thread("measure");
  const sched_param none{};
  if (::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none) != 0)
    log::debug("recordings are measured at ordinary priority: the system allows no lower one");
  for (;;) {
    Work work;
    {
      std::unique_lock lock(lock_);
      ready_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const auto measured = measure(work);
    if (stopping_) return;
    done_(work.id, measured);
  }
}

Measured Measurer::measure(const Work& work) const {
  const auto go_on = [&] { return !stopping_ && now() < work.until; };
  Measured out;
  for (const auto& name : work.files) {
    if (!go_on()) return {};
    auto file = ReadFile::open(root_, work.folder + "/" + name);
    if (file == nullptr) continue;
    const auto track = recorder::TrackReader::open(std::make_unique<FileSource>(std::move(file)));
    if (!track) continue;
    if (auto loudness = recorder::measure(**track, go_on)) out[name] = std::move(*loudness);
  }
  return go_on() ? out : Measured();
}

bool write_gain(const std::string& root, const std::string& path, double lufs) {
  const auto file = ReadFile::open(root, path);
  const auto beginning = file != nullptr ? file->read(0, 2 * recorder::kOggMaxPage) : std::nullopt;
  if (!beginning) return false;
  const auto patch = recorder::set_gain(as_bytes(*beginning), recorder::kReferenceLufs - lufs);
  if (!patch) return false;
  const int fd = ::open((root + "/" + path).c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  const auto size = static_cast<ssize_t>(patch->bytes.size());
  const bool written =
      ::pwrite(fd, patch->bytes.data(), patch->bytes.size(), static_cast<off_t>(patch->at)) == size;
  ::close(fd);
  return written;
}

}  // namespace parley::recording
