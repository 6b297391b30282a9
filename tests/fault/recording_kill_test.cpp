// kill -9 and power cuts at random moments: whatever a recorder was doing, its files play up to a second
// before the end, and the next start makes them whole. PARLEY_KILLS sets how many moments (default 10),
// PARLEY_SEED which.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cstdlib>
#include <random>

#include "mcu/recording/catalogue.hpp"
#include "mcu/recording/folder_repair.hpp"
#include "tests/fault/disk_shim.hpp"
#include "tests/unit/mcu/recording/support.hpp"

namespace parley::recording {
namespace {

constexpr int kAtOnce = 10;
constexpr std::uint32_t kLegs = 3;

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : otherwise;
}

struct Indexing final : RecorderEvents {
  explicit Indexing(const std::string& root)
      : disk(root), catalogue(std::move(Catalogue::open(root, disk)).value()) {}
  void on_finished(const Manifest& manifest) override { static_cast<void>(catalogue->complete(manifest)); }
  void on_progress(const Manifest& manifest) override { static_cast<void>(catalogue->enter(manifest)); }
  void on_trouble(const Manifest&, bool) override {}
  void on_disk_low() override {}
  PosixDisk disk;
  std::unique_ptr<Catalogue> catalogue;
};

// The victim: three talkers and their mix in real time; `sent` tells how far it has come.
[[noreturn]] void record(const std::string& root, std::atomic<std::uint32_t>& sent) {
  Indexing events(root);
  Recorder recorder({}, std::make_unique<PosixDisk>(root), events);
  const auto origin = now();
  recorder.start({"victim", "room", "2026/11/25/victim", origin, 1'795'608'000'000});
  for (std::uint32_t leg = 1; leg <= kLegs; ++leg)
    recorder.attach("victim", {LegId{leg}, "p" + std::to_string(leg), "P", Codec::opus});
  const auto mixed = std::make_shared<pipelines::MixQueue>();
  recorder.attach_mix("victim", mixed);
  for (std::uint32_t i = 0;; ++i) {
    std::this_thread::sleep_until(origin + 20ms * i);
    for (std::uint32_t leg = 1; leg <= kLegs; ++leg) recorder.push_packet(LegId{leg}, numbered(i, now()));
    mix(*mixed, i, now());
    sent.store(i);
  }
}

enum class End : std::uint8_t { kill, power_cut };

struct Victim {
  std::unique_ptr<Folder> folder;
  std::string left;  // the folder that its end leaves
  std::atomic<std::uint32_t>* sent = nullptr;
  pid_t pid = 0;
  Duration life{};
  ~Victim() { std::filesystem::remove_all(left); }
  Victim() = default;
  Victim(Victim&&) = default;
  Victim& operator=(Victim&&) = default;
};

template <typename T>
T* shared_page() {
  void* page = ::mmap(nullptr, 4'096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return new (page) T();
}

Victim begin(int number, std::mt19937& random, End end) {
  Victim v;
  v.folder = std::make_unique<Folder>("kill" + std::to_string(number));
  const auto root = v.folder->path();
  v.left = end == End::kill ? root : root + ".platter";
  v.sent = shared_page<std::atomic<std::uint32_t>>();
  auto* control = shared_page<test::DiskControl>();
  control->platter = end == End::power_cut;
  v.life = Duration(1ms * (random() % 4'000));
  v.pid = ::fork();
  if (v.pid == 0) {
    test::use_disk_shim(root.c_str(), *control);
    record(root, *v.sent);
  }
  return v;
}

// Of what had only been written, a cut may leave any part, and zeros where nothing was.
void leave_remains(const Victim& v, std::mt19937& random) {
  namespace fs = std::filesystem;
  for (const auto& entry : fs::recursive_directory_iterator(v.left)) {
    if (entry.path().extension() != ".opus" || random() % 2 == 0) continue;
    const auto written = slurp(v.folder->path() + "/" + fs::relative(entry.path(), v.left).string());
    const auto kept = entry.file_size();
    if (written.size() <= kept) continue;
    const auto more = random() % (written.size() - kept + 1);
    std::ofstream out(entry.path(), std::ios::binary | std::ios::app);
    out << (random() % 2 == 0 ? written.substr(kept, more) : std::string(more, '\0'));
  }
}

bool runs(const std::string& command) {
  return std::system((command + " > /dev/null 2>&1").c_str()) == 0;
}

// By programs that know nothing of us. opusinfo fails when it has to warn: of an end that is missing, too.
void expect_playable(const std::string& file, bool closed) {
  EXPECT_TRUE(runs("ffmpeg -nostdin -v error -i '" + file + "' -f null -")) << file;
  if (!runs("command -v opusinfo")) return;
  EXPECT_TRUE(runs(closed ? "opusinfo '" + file + "'" : "opusinfo '" + file + "' | grep 'Playback length'"))
      << file;
}

void judge(const Victim& v, double& worst_ms) {
  const auto sent = v.sent->load();
  namespace fs = std::filesystem;
  if (!fs::exists(v.left)) {  // nothing had been forced to disk
    EXPECT_LT(sent, 100U);
    return;
  }
  int played = 0;
  for (const auto& entry : fs::recursive_directory_iterator(v.left)) {
    if (entry.path().extension() != ".opus" || entry.file_size() == 0 || played == 2) continue;
    expect_playable(entry.path(), false);  // before anything is repaired
    ++played;
  }
  PosixDisk disk(v.left);
  const auto catalogue = Catalogue::open(v.left, disk);
  ASSERT_TRUE(catalogue) << catalogue.error().what;
  const auto page = (*catalogue)->list({});
  ASSERT_TRUE(page);
  if (sent < 100) {
    // So young that nothing need be there; what is there must be whole all the same.
    if (page->rows.empty()) return;
  }
  ASSERT_EQ(page->rows.size(), 1U) << "after " << sent << " packets";
  const auto& row = page->rows.front();
  EXPECT_EQ(row.state, "interrupted");
  const auto manifest = (*catalogue)->manifest(row);
  ASSERT_TRUE(manifest);
  std::vector<std::string> files;
  if (!manifest->mixdown.file.empty()) files.push_back(manifest->mixdown.file);
  for (const auto& track : manifest->tracks) files.push_back(track.file);
  if (sent >= 100) {
    EXPECT_EQ(files.size(), kLegs + 1);
  }
  for (const auto& file : files) {
    const auto content = content_of(v.left + "/" + row.folder + "/" + file);
    EXPECT_TRUE(content.whole && content.closed) << file;
    if (file == "mixdown.opus") expect_playable(v.left + "/" + row.folder + "/" + file, true);
    const double lost = 20.0 * (static_cast<double>(sent) - static_cast<double>(content.last));
    if (sent >= 100) {
      EXPECT_LE(lost, 1'000) << file;
    }
    worst_ms = std::max(worst_ms, lost);
  }
}

void end_many(End end) {
  const int kills = from_environment("PARLEY_KILLS", 10);
  const int seed = from_environment("PARLEY_SEED", 1);
  std::mt19937 random(static_cast<unsigned>(seed));
  double worst_ms = 0;
  for (int done = 0; done < kills; done += kAtOnce) {
    std::vector<Victim> victims;
    for (int i = 0; i < kAtOnce && done + i < kills; ++i) victims.push_back(begin(done + i, random, end));
    const auto begun = now();
    std::sort(victims.begin(), victims.end(),
              [](const Victim& a, const Victim& b) { return a.life < b.life; });
    for (const auto& v : victims) {
      std::this_thread::sleep_until(begun + v.life);
      ::kill(v.pid, SIGKILL);
      ::waitpid(v.pid, nullptr, 0);
    }
    for (const auto& v : victims) {
      if (end == End::power_cut && std::filesystem::exists(v.left)) leave_remains(v, random);
      judge(v, worst_ms);
    }
  }
  std::printf("%d %s with seed %d: at most %.0f ms lost\n", kills, end == End::kill ? "kills" : "power cuts",
              seed, worst_ms);
}

TEST(RecordingKilled, LosesAtMostASecondAndNeverAFile) {
  end_many(End::kill);
}

TEST(RecordingPowerCut, LosesAtMostASecondAndNeverAFile) {
  end_many(End::power_cut);
}

}  // namespace
}  // namespace parley::recording
