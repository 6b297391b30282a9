#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "mcu/recording/disk.hpp"
#include "transport/base/time.hpp"

namespace parley::recording {
namespace {

constexpr Duration kRetry = 1s;  // between two tries to make a file

void make_folders(const std::string& path) {
  std::error_code ignored;  // what is missing shows at open()
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
}

// All of it, or what was written is taken back.
bool write_all(int fd, Bytes data) {
  std::size_t done = 0;
  while (done < data.size()) {
    const auto wrote = ::write(fd, data.data() + done, data.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

class PosixFile final : public recorder::ByteSink {
 public:
  PosixFile(std::string path, int& error) : path_(std::move(path)), error_(error) {}
  ~PosixFile() override {
    if (fd_ >= 0) ::close(fd_);
  }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  bool append(Bytes data) noexcept override {
    if (!open()) return false;
    if (write_all(fd_, data)) {
      size_ += static_cast<off_t>(data.size());
      return true;
    }
    error_ = errno;
    // A torn page would hide what comes after it from every reader.
    if (::ftruncate(fd_, size_) == 0) ::lseek(fd_, size_, SEEK_SET);
    return false;
  }
  bool rewrite(std::uint64_t at, Bytes data) noexcept override {
    return open() && ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(at)) ==
                         static_cast<ssize_t>(data.size());
  }

 private:
  bool open() {
    if (fd_ >= 0) return true;
    const auto at = now();
    if (tried_ && at - last_try_ < kRetry) return false;
    tried_ = true;
    last_try_ = at;
    make_folders(path_);
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd_ < 0) error_ = errno;
    return fd_ >= 0;
  }

  const std::string path_;
  int& error_;
  int fd_ = -1;
  off_t size_ = 0;
  bool tried_ = false;
  TimePoint last_try_{};
};

}  // namespace

PosixDisk::~PosixDisk() {
  if (fd_ >= 0) ::close(fd_);
}

std::unique_ptr<recorder::ByteSink> PosixDisk::file(const std::string& path) {
  return std::make_unique<PosixFile>(root_ + "/" + path, error_);
}

Error PosixDisk::failed(const std::string& what) {
  error_ = errno;
  return {what + ": " + cause(), error_};
}

std::string PosixDisk::cause() const {
  return error_ == 0 ? std::string() : std::generic_category().message(error_);
}

Status PosixDisk::replace(const std::string& path, const std::string& text) {
  const auto target = root_ + "/" + path, fresh = target + ".new";
  make_folders(target);
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
  if (fd < 0) return failed(fresh);
  const bool written = write_all(fd, as_bytes(text));
  ::close(fd);
  if (!written) {
    const auto error = failed(fresh);
    ::unlink(fresh.c_str());
    return error;
  }
  if (::rename(fresh.c_str(), target.c_str()) != 0) return failed(target);
  return Done{};
}

int PosixDisk::root_fd() {
  if (fd_ < 0) {
    make_folders(root_ + "/");
    fd_ = ::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  return fd_;
}

Status PosixDisk::sync() {
  if (root_fd() < 0 || ::syncfs(fd_) != 0) return failed(root_);
  return Done{};
}

std::uint64_t PosixDisk::free_bytes() {
  struct statvfs stat {};
  if (root_fd() < 0 || ::fstatvfs(fd_, &stat) != 0) return 0;
  return static_cast<std::uint64_t>(stat.f_bavail) * stat.f_frsize;
}

}  // namespace parley::recording
