#include "client/recording_place.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "client/cli.hpp"
#include "client/http_client.hpp"

namespace parley::client {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kChunk = 1 << 20;
constexpr std::uintmax_t kMaxInfo = 64 << 20;
constexpr Duration kPatience = 20s;
constexpr Duration kLook = 500ms;  // for more of what is being recorded
constexpr int kTries = 3;

bool is_stopped(const std::atomic<bool>* stopped) {
  return stopped != nullptr && stopped->load(std::memory_order_relaxed);
}

Error refusal(const HttpResponse& response) {
  const bool refused = response.status == 401 || response.status == 403 || response.status == 429;
  return {problem_of(response), refused ? kRefused : kFailed};
}

Result<RecordingInfo> ask_info(const RecordingPlace::Remote& remote) {
  const auto answer =
      http_call(remote.server, {"GET", remote.path + remote.query, remote.key, {}, {}}, kPatience);
  if (!answer) return Error{answer.error().what, kUnreachable};
  if (answer->status != 200) return refusal(*answer);
  auto info = read_recording_info(answer->body);
  if (!info) return Error{"the server's answer is no recording", kFailed};
  return *info;
}

// Ranges of a megabyte, one after the other.
class RemoteFile final : public recorder::ByteSource {
 public:
  RemoteFile(RecordingPlace::Remote remote, const std::string& file, bool follow,
             const std::atomic<bool>* stopped)
      : remote_(std::move(remote)), follow_(follow), stopped_(stopped) {
    target_ = remote_.path + (file == "mixdown.opus" ? "/mixdown" : "/" + file) + remote_.query;
  }

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    while (taken_ == part_.size()) {
      const auto more = fetch();
      if (!more) return more.error();
      if (!*more) return std::size_t{0};
    }
    const auto count = std::min(into.size(), part_.size() - taken_);
    std::copy_n(part_.begin() + static_cast<std::ptrdiff_t>(taken_), count, into.begin());
    taken_ += count;
    return count;
  }

 private:
  // True: there is more, perhaps later. A break of the connection is no end.
  Result<bool> fetch() {
    for (int attempt = 1;; ++attempt) {
      if (is_stopped(stopped_)) return false;
      const HttpRequest request{"GET",
                                target_,
                                remote_.key,
                                {},
                                "bytes=" + std::to_string(at_) + "-" + std::to_string(at_ + kChunk - 1)};
      auto answer = http_call(remote_.server, request, kPatience);
      if (!answer && attempt < kTries) {
        std::this_thread::sleep_for(kLook);
        continue;
      }
      if (!answer) return Error{answer.error().what, kUnreachable};
      if (answer->status == 416 && at_ > 0) return wait_for_more();
      if (answer->status != 206) return refusal(*answer);
      taken_ = 0;
      part_ = std::move(answer->body);
      at_ += part_.size();
      return !part_.empty();
    }
  }

  // The end of the file as it is. It is final once the recording had ended before it was reached.
  Result<bool> wait_for_more() {
    part_.clear();
    taken_ = 0;
    if (!follow_ || ended_) return false;
    std::this_thread::sleep_for(kLook);
    const auto info = ask_info(remote_);
    ended_ = info && !info->running();
    return true;
  }

  const RecordingPlace::Remote remote_;
  std::string target_;
  const bool follow_;
  const std::atomic<bool>* stopped_;
  std::string part_;
  std::size_t taken_ = 0;
  std::uint64_t at_ = 0;
  bool ended_ = false;
};

Result<RecordingInfo> read_folder(const std::string& folder) {
  const auto path = fs::path(folder) / "recording.json";
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return Error{path.string() + ": " + error.message(), kUsage};
  if (size > kMaxInfo) return Error{path.string() + ": too large", kUsage};
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto info = read_recording_info(text);
  if (!info) return Error{path.string() + ": is no recording.json of this program", kUsage};
  return *info;
}

}  // namespace

std::optional<RecordingPlace::Remote> read_recording_link(const std::string& text) {
  constexpr std::string_view kPath = "/api/v1/recordings/";
  const auto scheme = text.find("://");
  const auto path = scheme == std::string::npos ? scheme : text.find('/', scheme + 3);
  if (path == std::string::npos || text.compare(path, kPath.size(), kPath) != 0) return std::nullopt;
  const auto server = parse_server_url(text.substr(0, path));
  const auto query = text.find('?', path);
  const auto id =
      text.substr(path + kPath.size(), query == std::string::npos ? query : query - path - kPath.size());
  const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!server || id.empty() || id.find('/') != std::string::npos ||
      !std::all_of(text.begin(), text.end(), printable))
    return std::nullopt;
  RecordingPlace::Remote out;
  out.server = *server;
  out.path = std::string(kPath) + id;
  if (query != std::string::npos) out.query = text.substr(query);
  return out;
}

Result<RecordingPlace> RecordingPlace::open(const std::string& what, const ServerUrl& server,
                                            const std::string& key) {
  RecordingPlace place;
  std::error_code ignored;
  if (what.find("://") != std::string::npos) {
    auto link = read_recording_link(what);
    if (!link)
      return Error{
          "this is no link to a whole recording: make one with `parley recordings link ID --file all`",
          kUsage};
    place.remote_ = std::move(*link);
    place.remote_.server.trust = server.trust;
  } else if (fs::is_directory(what, ignored)) {
    place.folder_ = what;
    auto info = read_folder(what);
    if (!info) return info.error();
    place.info_ = std::move(*info);
    return place;
  } else {
    place.remote_ = {server, key, "/api/v1/recordings/" + encode_path_segment(what), {}};
  }
  auto info = ask_info(place.remote_);
  if (!info) return info.error();
  place.info_ = std::move(*info);
  return place;
}

Result<std::unique_ptr<recorder::ByteSource>> RecordingPlace::read(const std::string& file, bool follow,
                                                                   const std::atomic<bool>* stopped) const {
  if (!folder_.empty()) return recorder::open_file(folder_ + "/" + file);
  return std::unique_ptr<recorder::ByteSource>(
      std::make_unique<RemoteFile>(remote_, file, follow && info_.running(), stopped));
}

}  // namespace parley::client
