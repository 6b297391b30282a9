// The documents of the configuration against the table of keys: neither can change without the other.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "mcu/settings/settings.hpp"

namespace parley::settings {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(std::string(PARLEY_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A default as a reader would write it: quotes only where YAML needs them.
std::string plain(const std::string& value) {
  const bool quoted = value.size() > 2 && value.front() == '"' && value.find('[') == std::string::npos;
  return quoted ? value.substr(1, value.size() - 2) : value;
}

// Joins the comment that stands above the key ("http.tls.key": two sections) into one line.
std::string comment_above(const std::string& yaml, const std::string& path) {
  std::istringstream lines(yaml);
  std::string comment;
  std::vector<std::string> sections;
  for (std::string line; std::getline(lines, line);) {
    const auto text = line.find_first_not_of(' ');
    if (text != std::string::npos && line[text] != '#') {
      sections.resize(text / 2);
      std::string here;
      for (const auto& section : sections) here += section + ".";
      const auto name = line.substr(text, line.find(':') - text);
      if (here + name == path) return comment;
      if (line.back() == ':') sections.push_back(name);
    }
    if (text != std::string::npos && line[text] == '#') {
      comment += (comment.empty() ? "" : " ") + line.substr(std::min(line.size(), text + 2));
      continue;
    }
    comment.clear();
  }
  return "";
}

TEST(ConfigurationDocuments, TheFileEqualsTheDefaults) {
  const auto loaded = load(std::string(PARLEY_SOURCE_DIR) + "/config/parley.yaml");
  ASSERT_TRUE(loaded) << loaded.error().what;
  const auto changes = compare(Settings{}, *loaded);
  EXPECT_TRUE(changes.reloadable.empty() && changes.needs_restart.empty()) << to_yaml(*loaded);
}

TEST(ConfigurationDocuments, TheFileExplainsEveryKey) {
  const auto yaml = read("config/parley.yaml");
  for (const auto& key : key_reference()) {
    const auto dot = key.path.rfind('.');
    const auto name = key.path.substr(dot + 1);
    EXPECT_NE(yaml.find("  " + name + ": " + plain(key.value_by_default) + "\n"), std::string::npos)
        << key.path;
    auto type = key.type;
    type[0] = static_cast<char>(std::toupper(type[0]));
    EXPECT_EQ(comment_above(yaml, key.path),
              key.meaning + " " + type + "; default " + plain(key.value_by_default) + ".")
        << key.path;
  }
}

TEST(ConfigurationDocuments, TheReferenceHasARowForEveryKey) {
  const auto page = read("docs/configuration.md");
  std::size_t rows = 0;
  for (std::size_t at = page.find("\n| `"); at != std::string::npos; at = page.find("\n| `", at + 1)) ++rows;
  EXPECT_EQ(rows, key_reference().size());
  for (const auto& key : key_reference()) {
    const auto row = "\n| `" + key.path + "` | " + key.type + " | `" + plain(key.value_by_default) + "` | " +
                     (key.reloadable ? "yes" : "no") + " | " + key.meaning + " |\n";
    EXPECT_NE(page.find(row), std::string::npos) << "docs/configuration.md lacks this row:" << row;
  }
}

TEST(ConfigurationDocuments, TheErrorsShownInTheReferenceAreReal) {
  const auto page = read("docs/configuration.md");
  const auto number = parse(std::string(11, '\n') + "jitter: {min_ms: abc}", "config/parley.yaml");
  const auto unknown = parse(std::string(30, '\n') + "mix: {max_talker: 5}", "config/parley.yaml");
  ASSERT_FALSE(number);
  ASSERT_FALSE(unknown);
  EXPECT_NE(page.find(number.error().what + "\n"), std::string::npos) << number.error().what;
  EXPECT_NE(page.find(unknown.error().what + "\n"), std::string::npos) << unknown.error().what;
}

TEST(ConfigurationDocuments, TheDumpCanBeReadBack) {
  Settings settings;
  settings.http.listen = *Address::parse("[::1]:81");
  settings.http.allowed_origins = {"https://a.example"};
  settings.http.tls = {"/etc/parley/chain \"1\".pem", "key.pem"};
  settings.media.advertise = {*Address::parse("[2001:db8::1]:5"),
                              Address{*IpAddress::parse("2001:db8::2"), 0}};
  settings.media.plain_rtp_from = {*IpNetwork::parse("10.0.0.0/8"), *IpNetwork::parse("::1/128")};
  settings.rooms.idle_timeout = 1500ms;
  settings.rooms.leg_timeout = 10min;
  settings.streaming.allow = {"rtmp://*", "srt://10.0.0.0/8"};
  settings.streaming.file_root = "/srv/a folder";
  const auto back = parse(to_yaml(settings), "dump");
  ASSERT_TRUE(back) << back.error().what << "\n" << to_yaml(settings);
  EXPECT_EQ(to_yaml(*back), to_yaml(settings));
}

}  // namespace
}  // namespace parley::settings
