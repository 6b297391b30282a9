#include "client/wav_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

namespace parley::client {

namespace {

// RIFF is little endian, whatever the machine.
void put(std::uint8_t* at, std::uint32_t value, int width) {
  for (int i = 0; i < width; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::array<std::uint8_t, WavWriter::kHeaderSize> header(std::uint64_t samples) {
  const auto data_size = static_cast<std::uint32_t>(samples * 2);
  std::array<std::uint8_t, WavWriter::kHeaderSize> out{};
  std::memcpy(&out[0], "RIFF", 4);
  put(&out[4], data_size + static_cast<std::uint32_t>(WavWriter::kHeaderSize) - 8, 4);
  std::memcpy(&out[8], "WAVEfmt ", 8);
  put(&out[16], 16, 4);                    // size of the format chunk
  put(&out[20], 1, 2);                     // PCM
  put(&out[22], 1, 2);                     // channels
  put(&out[24], WavWriter::kRate, 4);      //
  put(&out[28], WavWriter::kRate * 2, 4);  // bytes per second
  put(&out[32], 2, 2);                     // bytes per sample of all channels
  put(&out[34], 16, 2);                    // bits
  std::memcpy(&out[36], "data", 4);
  put(&out[40], data_size, 4);
  return out;
}

bool write_all(int fd, const std::uint8_t* data, std::size_t size, off_t at) {
  while (size > 0) {
    const ssize_t written = ::pwrite(fd, data, size, at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    at += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<WavWriter>> WavWriter::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return Error{path + ": cannot be written: " + std::strerror(errno), errno};
  std::unique_ptr<WavWriter> writer(new WavWriter(fd, path));
  if (auto ready = writer->write_header(); !ready) return ready.error();
  return writer;
}

WavWriter::~WavWriter() {
  // A failure here has been told by finish(), or nobody cares.
  static_cast<void>(write_header().ok());
  ::close(fd_);
}

Status WavWriter::write(std::span<const float> pcm) {
  if (samples_ + pcm.size() > kMaxSamples)
    return Error{path_ + ": a WAV file cannot grow beyond 4 GiB", EFBIG};
  scratch_.resize(pcm.size() * 2);
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    const auto value = static_cast<std::int16_t>(std::lrint(std::clamp(pcm[i], -1.0F, 1.0F) * 32'767.0F));
    put(&scratch_[2 * i], static_cast<std::uint16_t>(value), 2);
  }
  if (!write_all(fd_, scratch_.data(), scratch_.size(), static_cast<off_t>(kHeaderSize + samples_ * 2)))
    return failed("write");
  samples_ += pcm.size();
  return samples_ - announced_ >= kRate ? write_header() : Status(Done{});
}

Status WavWriter::finish() {
  return write_header();
}

Status WavWriter::write_header() {
  const auto bytes = header(samples_);
  if (!write_all(fd_, bytes.data(), bytes.size(), 0)) return failed("write");
  announced_ = samples_;
  return Done{};
}

Error WavWriter::failed(const char* what) const {
  return {path_ + ": " + what + ": " + std::strerror(errno), errno};
}

}  // namespace parley::client
