#include "tests/fault/disk_shim.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;
using parley::test::DiskControl;

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::string& root() {
  static std::string path;
  return path;
}
std::atomic<DiskControl*> the_control{nullptr};

thread_local bool own = false;  // the shim's own calls
struct Own {
  Own() { own = true; }
  ~Own() { own = false; }
};

bool below_root(const std::string& path) {
  return !root().empty() && path.starts_with(root()) &&
         (path.size() == root().size() || path[root().size()] == '/');
}

std::string path_of(int fd) {
  char link[64], path[4'096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const auto size = ::readlink(link, path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : std::string();
}

bool armed(const DiskControl* control) {
  return control != nullptr && !own && (control->refuse != 0 || control->stall);
}

// What a call that writes below the root meets. True: it is to fail, errno is set.
bool refuses(DiskControl& control) {
  if (control.stall) control.waited.fetch_add(1);
  while (control.stall) {
    const timespec a_moment{0, 5'000'000};
    ::nanosleep(&a_moment, nullptr);
  }
  const int error = control.refuse;
  if (error == 0) return false;
  control.refused.fetch_add(1);
  errno = error;
  return true;
}

bool refuses_path(const char* path) {
  auto* control = the_control.load();
  return armed(control) && below_root(path) && refuses(*control);
}
bool refuses_fd(int fd) {
  auto* control = the_control.load();
  return armed(control) && below_root(path_of(fd)) && refuses(*control);
}

fs::path platter() {
  return root() + ".platter";
}

void keep_file(const fs::path& file) {
  std::error_code error;
  const auto kept = platter() / fs::relative(file, root(), error);
  const auto fresh = kept.string() + ".fresh";
  fs::create_directories(kept.parent_path(), error);
  if (fs::copy_file(file, fresh, fs::copy_options::overwrite_existing, error) && !error)
    fs::rename(fresh, kept, error);
}

void keep_all() {
  std::error_code error;
  std::set<std::string> there;
  fs::create_directories(platter(), error);
  for (const auto& entry : fs::recursive_directory_iterator(root(), error)) {
    const auto name = fs::relative(entry.path(), root(), error);
    there.insert(name.string());
    if (entry.is_directory(error)) {
      fs::create_directories(platter() / name, error);
      continue;
    }
    struct stat now {
    }, kept{};
    const bool same = ::stat(entry.path().c_str(), &now) == 0 &&
                      ::stat((platter() / name).c_str(), &kept) == 0 && now.st_size == kept.st_size &&
                      name.extension() != ".json" && !name.string().starts_with("parley.db");
    if (!same) keep_file(entry.path());
  }
  for (const auto& entry : fs::recursive_directory_iterator(platter(), error))
    if (entry.is_regular_file(error) &&
        !there.contains(fs::relative(entry.path(), platter(), error).string()))
      fs::remove(entry.path(), error);
}

int synced(int fd, int result, bool everything) {
  auto* control = the_control.load();
  if (result != 0 || control == nullptr || own || !control->platter) return result;
  const Own mine;
  const auto path = path_of(fd);
  if (!below_root(path)) return result;
  if (everything) {
    keep_all();
  } else if (fs::is_regular_file(path)) {
    keep_file(path);
  }
  control->syncs.fetch_add(1);
  return result;
}

}  // namespace

void parley::test::use_disk_shim(const char* path, DiskControl& control) {
  root() = path;
  the_control = &control;
}

namespace {

[[gnu::constructor]] void use_environment() {
  const char* folder = std::getenv("PARLEY_DISK_ROOT");
  const char* page = std::getenv("PARLEY_DISK_CTL");
  if (folder == nullptr || page == nullptr) return;
  const Own mine;
  const int fd = ::open(page, O_RDWR | O_CLOEXEC);
  void* at = ::mmap(nullptr, sizeof(DiskControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at != MAP_FAILED) parley::test::use_disk_shim(folder, *static_cast<DiskControl*>(at));
}

}  // namespace

// What stands in front of libc.
extern "C" {

#define PARLEY_OPEN(NAME)                                                \
  int NAME(const char* path, int flags, ...) {                           \
    mode_t mode = 0;                                                     \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {                          \
      va_list rest;                                                      \
      va_start(rest, flags);                                             \
      mode = va_arg(rest, mode_t);                                       \
      va_end(rest);                                                      \
    }                                                                    \
    if (!own && (flags & O_CREAT) != 0 && refuses_path(path)) return -1; \
    static auto* const next = real<int(const char*, int, ...)>(#NAME);   \
    return next(path, flags, mode);                                      \
  }
PARLEY_OPEN(open)
PARLEY_OPEN(open64)

int mkdir(const char* path, mode_t mode) {
  if (refuses_path(path)) return -1;
  static auto* const next = real<int(const char*, mode_t)>("mkdir");
  return next(path, mode);
}

int rename(const char* from, const char* to) {
  if (refuses_path(to)) return -1;
  static auto* const next = real<int(const char*, const char*)>("rename");
  return next(from, to);
}

ssize_t write(int fd, const void* data, size_t size) {
  if (refuses_fd(fd)) return -1;
  static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
  return next(fd, data, size);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  if (refuses_fd(fd)) return -1;
  static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return next(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  if (refuses_fd(fd)) return -1;
  static auto* const next = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return next(fd, data, size, at);
}

int fsync(int fd) {
  if (refuses_fd(fd)) return -1;
  static auto* const next = real<int(int)>("fsync");
  return synced(fd, next(fd), false);
}

int fdatasync(int fd) {
  if (refuses_fd(fd)) return -1;
  static auto* const next = real<int(int)>("fdatasync");
  return synced(fd, next(fd), false);
}

int syncfs(int fd) noexcept {
  if (refuses_fd(fd)) return -1;
  static auto* const next = real<int(int)>("syncfs");
  return synced(fd, next(fd), true);
}

int fstatvfs(int fd, struct statvfs* info) noexcept {
  static auto* const next = real<int(int, struct statvfs*)>("fstatvfs");
  const int result = next(fd, info);
  const auto* control = the_control.load();
  if (result == 0 && control != nullptr && control->free_bytes != 0 && below_root(path_of(fd)))
    info->f_bavail = control->free_bytes / info->f_frsize;
  return result;
}

}  // extern "C"
