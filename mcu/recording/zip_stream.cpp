#include "mcu/recording/zip_stream.hpp"

#include "pipelines/recorder/crc32.hpp"

namespace parley::recording {
namespace {

constexpr std::uint64_t kLimit = 0xffff'ffffULL;
constexpr std::size_t kMaxEntries = 0xfffe;
constexpr std::uint16_t kVersion = 20, kFlags = 0x0808;  // data descriptor, names in UTF-8
constexpr std::uint16_t kDate = (2020 - 1980) << 9 | 1 << 5 | 1;

void put(std::string& out, std::uint64_t value, int bytes) {
  for (; bytes > 0; --bytes, value >>= 8U) out.push_back(static_cast<char>(value));
}

}  // namespace

std::unique_ptr<ZipStream> ZipStream::make(std::vector<Entry> entries) {
  if (entries.size() > kMaxEntries) return nullptr;
  std::unique_ptr<ZipStream> zip(new ZipStream(std::move(entries)));
  return zip->size_ <= kLimit ? std::move(zip) : nullptr;
}

ZipStream::ZipStream(std::vector<Entry> entries) : entries_(std::move(entries)), done_(entries_.size()) {
  size_ = 22;
  for (const auto& entry : entries_) size_ += 30 + 16 + 46 + 2 * entry.name.size() + entry.file->size();
}

std::string ZipStream::local_header(const Entry& entry) const {
  std::string out;
  put(out, 0x04034b50, 4);
  put(out, kVersion, 2);
  put(out, kFlags, 2);
  put(out, 0, 2);  // stored
  put(out, 0, 2);
  put(out, kDate, 2);
  put(out, 0, 12);  // checksum and sizes: in the descriptor
  put(out, entry.name.size(), 2);
  put(out, 0, 2);
  return out + entry.name;
}

std::string ZipStream::directory() const {
  std::string out;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    put(out, 0x02014b50, 4);
    put(out, kVersion, 2);
    put(out, kVersion, 2);
    put(out, kFlags, 2);
    put(out, 0, 2);
    put(out, 0, 2);
    put(out, kDate, 2);
    put(out, done_[i].crc, 4);
    put(out, entries_[i].file->size(), 4);
    put(out, entries_[i].file->size(), 4);
    put(out, entries_[i].name.size(), 2);
    put(out, 0, 12);  // no extra field, no comment, first disk, no attributes
    put(out, done_[i].offset, 4);
    out += entries_[i].name;
  }
  const auto size = out.size();
  put(out, 0x06054b50, 4);
  put(out, 0, 4);
  put(out, entries_.size(), 2);
  put(out, entries_.size(), 2);
  put(out, size, 4);
  put(out, sent_, 4);
  put(out, 0, 2);
  return out;
}

std::optional<std::string> ZipStream::next(std::size_t max) {
  std::string out;
  while (out.size() < max && !finished_) {
    if (current_ == entries_.size()) {
      finished_ = true;
      out += directory();
      break;
    }
    const auto& entry = entries_[current_];
    auto& done = done_[current_];
    const auto before = out.size();
    if (!open_) {
      open_ = true;
      at_ = 0;
      done.offset = sent_;
      out += local_header(entry);
    } else if (at_ < entry.file->size()) {
      const auto part = entry.file->read(at_, max - out.size());
      if (!part || part->empty()) return std::nullopt;
      done.crc = recorder::crc32(as_bytes(*part), done.crc);
      at_ += part->size();
      out += *part;
    } else {
      put(out, 0x08074b50, 4);
      put(out, done.crc, 4);
      put(out, entry.file->size(), 4);
      put(out, entry.file->size(), 4);
      open_ = false;
      ++current_;
    }
    sent_ += out.size() - before;
  }
  return out;
}

}  // namespace parley::recording
