#include "mcu/recording/read_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "pipelines/recorder/crc32.hpp"

namespace parley::recording {
namespace {

constexpr std::size_t kChunk = 256 * 1024;

// Component by component, so that a link put anywhere below the root leads nowhere.
int open_below(const std::string& root, std::string_view path) {
  int folder = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (folder >= 0) {
    const auto slash = path.find('/');
    const std::string name(path.substr(0, slash));
    const bool last = slash == std::string_view::npos;
    const bool bad = name.empty() || name == "." || name == "..";
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
    const int next = bad ? -1 : ::openat(folder, name.c_str(), flags);
    ::close(folder);
    if (last || next < 0) return next;
    folder = next;
    path.remove_prefix(slash + 1);
  }
  return -1;
}

}  // namespace

std::shared_ptr<ReadFile> ReadFile::open(const std::string& root, const std::string& path) {
  const int fd = open_below(root, path);
  if (fd < 0) return nullptr;
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return nullptr;
  }
  return std::shared_ptr<ReadFile>(new ReadFile(fd, static_cast<std::uint64_t>(info.st_size)));
}

ReadFile::~ReadFile() {
  ::close(fd_);
}

std::optional<std::string> ReadFile::read(std::uint64_t at, std::size_t max) const {
  if (at >= size_) return std::string();
  std::string out(static_cast<std::size_t>(std::min<std::uint64_t>(max, size_ - at)), '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    const auto got = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    done += static_cast<std::size_t>(got);
  }
  return out;
}

std::string ReadFile::crc32() const {
  std::uint32_t crc = 0;
  for (std::uint64_t at = 0; at < size_;) {
    const auto part = read(at, kChunk);
    if (!part || part->empty()) return {};
    crc = recorder::crc32(as_bytes(*part), crc);
    at += part->size();
  }
  char text[9];
  std::snprintf(text, sizeof text, "%08x", crc);
  return text;
}

}  // namespace parley::recording
