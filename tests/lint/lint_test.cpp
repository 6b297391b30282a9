// The rules of the house that a compiler does not check: who may include whom, third parties behind their
// fences, no source file outside a target, and no page of docs that names a file which is not there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = PARLEY_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Include {
  std::string file;    // relative to the root
  std::string target;  // what stands between the quotes or brackets
};

std::vector<fs::path> sources(const std::string& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp") found.push_back(entry.path());
  }
  return found;
}

std::vector<Include> includes(const std::string& folder) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"])re");
  std::vector<Include> found;
  for (const auto& path : sources(folder)) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (std::regex_search(line, match, kInclude))
        found.push_back({fs::relative(path, kRoot).string(), match[1].str()});
    }
  }
  return found;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  for (const auto& prefix : prefixes)
    if (text.rfind(prefix, 0) == 0) return true;
  return false;
}

const std::vector<std::string> kHouse = {"transport/", "pipelines/", "mcu/", "client/", "tests/"};

TEST(IncludeDirection, FollowsTheDesign) {
  struct Rule {
    std::string folder;
    std::vector<std::string> may;  // house folders it may include, beside itself
  };
  const std::vector<Rule> rules = {
      {"transport/base", {}},
      {"transport", {}},
      {"pipelines/media", {"transport/base/"}},
      {"pipelines", {"transport/base/"}},
      {"mcu/room", {"transport/base/"}},
      {"mcu/settings", {"transport/base/"}},
      {"mcu/metrics", {"transport/base/"}},
      {"mcu/streaming", {"transport/base/", "pipelines/"}},
      {"mcu/playback", {"transport/base/", "pipelines/"}},
      {"mcu/signaling",
       {"transport/base/", "transport/protocol/", "transport/net/tls_stream.hpp",
        "transport/net/tcp_backlog.hpp", "mcu/quality/", "mcu/room/", "mcu/settings/", "mcu/metrics/"}},
      {"mcu/quality", {"transport/base/"}},
      {"mcu/store", {"transport/base/", "mcu/quality/"}},
      {"mcu/recording", {"transport/base/", "pipelines/recorder/", "pipelines/mix_tap.hpp", "mcu/store/"}},
      {"mcu/app", {"transport/", "pipelines/", "mcu/", "client/web/assets.hpp"}},
      {"client", {"transport/", "pipelines/"}},
  };
  for (const auto& rule : rules) {
    for (const auto& include : includes(rule.folder)) {
      if (!starts_with_any(include.target, kHouse)) continue;
      if (include.target.rfind(rule.folder + "/", 0) == 0) continue;
      EXPECT_TRUE(starts_with_any(include.target, rule.may))
          << include.file << " includes " << include.target;
    }
  }
}

TEST(IncludeDirection, ThirdPartiesStayBehindTheirFences) {
  struct Fence {
    std::string name;
    std::regex header;
    std::vector<std::string> may;
  };
  const std::vector<Fence> fences = {
      {"GStreamer", std::regex("^(gst/|gio/|glib)"), {"pipelines/"}},
      {"OpenSSL",
       std::regex("^openssl/"),
       {"transport/dtls/", "transport/srtp/", "transport/stun/", "mcu/signaling/token", "mcu/signaling/tls"}},
      {"libsrtp", std::regex("^srtp2?/"), {"transport/srtp/"}},
      {"Asio and Beast",
       std::regex("^boost/(asio|beast)"),
       // The one TCP-or-TLS stream is what server and client share.
       {"mcu/signaling/", "mcu/app/", "client/", "transport/net/tls_stream.hpp"}},
      {"SQLite", std::regex("^sqlite3"), {"mcu/store/"}},
      {"yaml-cpp", std::regex("^yaml-cpp/"), {"mcu/settings/"}},
      {"prometheus-cpp", std::regex("^prometheus/"), {"mcu/metrics/"}},
      {"libopus", std::regex("^opus"), {"pipelines/", "client/"}},
      {"libFLAC and libebur128", std::regex("^(FLAC/|ebur128)"), {"pipelines/recorder/"}},
      {"cairo", std::regex("^cairo"), {"client/timeline_png"}},
  };
  for (const std::string folder : {"transport", "pipelines", "mcu", "client"}) {
    for (const auto& include : includes(folder)) {
      for (const auto& fence : fences) {
        if (!std::regex_search(include.target, fence.header)) continue;
        EXPECT_TRUE(starts_with_any(include.file, fence.may))
            << include.file << " includes " << include.target << " (" << fence.name << ")";
      }
    }
  }
}

TEST(IncludeDirection, MediaLogicKnowsNoGStreamer) {
  for (const auto& include : includes("pipelines/media")) {
    EXPECT_EQ(include.target.find("gst"), std::string::npos)
        << include.file << " includes " << include.target;
  }
}

TEST(Tree, EverySourceFileBelongsToATarget) {
  const auto commands = read(fs::path(PARLEY_BINARY_DIR) / "compile_commands.json");
  ASSERT_FALSE(commands.empty());
  for (const std::string folder : {"transport", "pipelines", "mcu", "client", "tests"}) {
    for (const auto& path : sources(folder)) {
      if (path.extension() != ".cpp") continue;
      EXPECT_NE(commands.find(path.string() + "\""), std::string::npos)
          << fs::relative(path, kRoot) << " is compiled by no target";
    }
  }
}

TEST(Tree, EveryTestFolderWithSourcesHasTests) {
  std::set<fs::path> folders;
  for (const auto& path : sources("tests/unit")) folders.insert(path.parent_path());
  for (const auto& folder : folders) {
    EXPECT_NE(read(folder / "CMakeLists.txt").find("parley_test("), std::string::npos) << folder;
  }
}

TEST(Docs, NamedFilesExist) {
  // A path in backquotes that begins with a folder of the tree must be there.
  static const std::regex kPath(
      "`((?:transport|pipelines|mcu|client|config|tests|docs|scripts)/[A-Za-z0-9_./-]+)`");
  std::vector<fs::path> pages = {kRoot / "README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "docs"))
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  for (const auto& page : pages) {
    const auto text = read(page);
    for (std::sregex_iterator it(text.begin(), text.end(), kPath), end; it != end; ++it) {
      EXPECT_TRUE(fs::exists(kRoot / (*it)[1].str()))
          << fs::relative(page, kRoot) << " names " << (*it)[1].str();
    }
  }
}

TEST(Docs, RelativeLinksLeadSomewhere) {
  static const std::regex kLink(R"re(\]\(([^)#: ]+)(#[^)]*)?\))re");
  std::vector<fs::path> pages = {kRoot / "README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "docs"))
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  for (const auto& page : pages) {
    const auto text = read(page);
    for (std::sregex_iterator it(text.begin(), text.end(), kLink), end; it != end; ++it) {
      EXPECT_TRUE(fs::exists(page.parent_path() / (*it)[1].str()))
          << fs::relative(page, kRoot) << " links to " << (*it)[1].str();
    }
  }
}

}  // namespace
