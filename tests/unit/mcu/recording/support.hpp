// Disks that misbehave, senders, and a look into what was written.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "mcu/recording/disk.hpp"
#include "mcu/recording/recorder.hpp"
#include "pipelines/recorder/ogg_scan.hpp"

namespace parley::recording {

class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("parley-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

struct Fault {
  std::atomic<bool> full{false};
  std::atomic<int> stall_ms{0};  // of the next write
  std::atomic<std::uint64_t> free_bytes{UINT64_MAX};
};

class FaultyDisk final : public Disk {
 public:
  FaultyDisk(const std::string& root, Fault& fault) : disk_(root), fault_(fault) {}
  std::unique_ptr<recorder::ByteSink> file(const std::string& path) override {
    return std::make_unique<File>(disk_.file(path), fault_);
  }
  Status replace(const std::string& path, const std::string& text) override {
    if (fault_.full) return Error{"full"};
    return disk_.replace(path, text);
  }
  Status sync() override { return Done{}; }
  std::uint64_t free_bytes() override { return fault_.free_bytes; }
  std::string cause() const override { return fault_.full ? "full" : disk_.cause(); }

 private:
  struct File final : recorder::ByteSink {
    File(std::unique_ptr<recorder::ByteSink> to, Fault& with) : file(std::move(to)), fault(with) {}
    bool append(Bytes data) noexcept override {
      if (const int stall = fault.stall_ms.exchange(0); stall > 0)
        std::this_thread::sleep_for(
            std::chrono::milliseconds(stall));  // this is what it stands for: a stalled disk
      return !fault.full && file->append(data);
    }
    bool rewrite(std::uint64_t at, Bytes data) noexcept override { return file->rewrite(at, data); }
    std::unique_ptr<recorder::ByteSink> file;
    Fault& fault;
  };
  PosixDisk disk_;
  Fault& fault_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A frame of CELT whose payload tells its number.
inline MediaPacket numbered(std::uint32_t number, TimePoint arrival) {
  MediaPacket p;
  p.ssrc = 7;
  p.sequence = static_cast<std::uint16_t>(number);
  p.timestamp = number * 960;
  p.arrival = arrival;
  p.level = 30;
  const ByteBuffer payload = {0xf8,
                              static_cast<std::uint8_t>(number >> 16U),
                              static_cast<std::uint8_t>(number >> 8U),
                              static_cast<std::uint8_t>(number),
                              9,
                              9};
  p.assign(payload);
  return p;
}

inline void mix(pipelines::MixQueue& queue, std::uint32_t number, TimePoint spoken) {
  const auto packet = numbered(number, spoken);
  pipelines::MixFrame frame;
  frame.media_time = number * 960ULL;
  frame.at = frame.spoken = spoken;
  frame.size = packet.size;
  queue.on_mix(frame, packet.data());
}

struct Content {
  bool whole = false;  // every byte belongs to a good page
  bool closed = false;
  std::int64_t ms = 0;
  std::int64_t last = -1;  // number of the last packet
  std::size_t numbered = 0;
};
inline Content content_of(const std::string& path) {
  const auto bytes = slurp(path);
  const auto scan = recorder::scan_ogg(as_bytes(bytes));
  Content out;
  out.whole = scan.good_bytes == bytes.size() && scan.pages >= 2;
  out.closed = (scan.last_flags & 4) != 0;
  out.ms = static_cast<std::int64_t>(scan.granule / 48);
  auto rest = as_bytes(bytes);
  recorder::OggPageView page;
  while (recorder::read_page(rest, page)) {
    for (const auto packet : page.packets) {
      if (packet.size() != 6) continue;
      out.last = packet[1] << 16 | packet[2] << 8 | packet[3];
      ++out.numbered;
    }
    rest = rest.subspan(page.size);
  }
  return out;
}

}  // namespace parley::recording
