// The page's own files, without a browser: what its Content-Security-Policy would refuse is not in them,
// every module and every text they name is there, and they stay small.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <string>

#include "client/web/assets.hpp"

namespace parley::web {
namespace {

std::set<std::string> names() {
  std::set<std::string> all;
  for (const auto& asset : assets()) all.insert(std::string(asset.name));
  return all;
}

std::set<std::string> matches(std::string_view text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  const std::string all(text);
  for (std::sregex_iterator it(all.begin(), all.end(), expression), end; it != end; ++it)
    found.insert((*it)[1].str());
  return found;
}

TEST(Page, IsAllThere) {
  const auto all = names();
  for (const auto& asset : assets()) {
    for (const auto& module : matches(asset.body, R"re(from '\./([^']+)')re"))
      EXPECT_TRUE(all.count(module)) << module;
    for (const auto& file : matches(asset.body, R"re(["']/assets/([^"']+)["'])re"))
      EXPECT_TRUE(all.count(file)) << file;
  }
}

TEST(Page, ComesFromThisServerAlone) {
  for (const auto& asset : assets()) {
    auto urls = matches(asset.body, R"re((https?://[^'"\s]+))re");
    urls.erase("http://www.w3.org/2000/svg");
    EXPECT_TRUE(urls.empty()) << asset.name << ": " << *urls.begin();
  }
}

TEST(Page, MakesNoMarkupOfTextAndRunsNoText) {
  for (const auto& asset : assets()) {
    for (const std::string word : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                                   "new Function", "setAttribute('style'", "javascript:"})
      EXPECT_EQ(asset.body.find(word), std::string_view::npos) << asset.name << " uses " << word;
    if (!asset.name.ends_with(".html")) continue;
    EXPECT_TRUE(matches(asset.body, R"re(<script(?![^>]*src=)([^>]*)>)re").empty())
        << asset.name << " has inline script";
    EXPECT_TRUE(matches(asset.body, R"re(\s(on[a-z]+|style)=)re").empty())
        << asset.name << " has inline handlers or style";
  }
}

TEST(Page, EveryTextIsInTheStringsFileAndUsed) {
  std::string strings, others;
  for (const auto& asset : assets()) (asset.name == "strings.js" ? strings : others) += asset.body;
  const auto known = matches(strings, R"re(\n  '?([\w.-]+)'?:\s)re");
  ASSERT_GT(known.size(), 50u);
  for (const auto& key : matches(others, R"re(\bt\('([\w.-]+)')re")) EXPECT_TRUE(known.count(key)) << key;
  for (const auto& key : known) {
    const auto family = key.substr(0, key.find('.') + 1);
    const bool built = family == "error." || family == "ended." || family == "state." ||
                       family == "stream." || family == "lobby.";
    EXPECT_TRUE(built || others.find("'" + key + "'") != std::string::npos) << key << " is used nowhere";
  }
}

TEST(Page, StaysSmall) {
  std::size_t total = 0;
  for (const auto& asset : assets()) {
    const auto lines = std::count(asset.body.begin(), asset.body.end(), '\n');
    EXPECT_LE(lines, asset.name.ends_with(".css") ? 900 : 400) << asset.name;
    total += asset.body.size();
  }
  EXPECT_LE(total, 200'000u);
}

}  // namespace
}  // namespace parley::web
