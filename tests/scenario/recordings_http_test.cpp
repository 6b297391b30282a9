// The recordings' routes of a whole server, from the outside: ranges, HEAD, links, names of all kinds, and
// those who try to get at something else.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "client/url.hpp"
#include "mcu/recording/catalogue.hpp"
#include "mcu/recording/folder_repair.hpp"
#include "tests/scenario/call.hpp"

namespace parley::scenario {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr const char* kKey = "a-key-of-the-operator";
const std::string kMixdown = "0123456789abcdefghijklmnopqrstuvwxyz";

struct Got {
  int status = 0;
  std::string body;
  http::fields headers;
  std::string header(const char* name) const { return std::string(headers[name]); }
};

class RecordingRoutes : public ::testing::Test {
 protected:
  RecordingRoutes() {
    folder_ = fs::temp_directory_path() / ("parley-routes-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    add("one", "standup");
    auto settings = loopback_settings();
    settings.recording.directory = folder_;
    settings.auth.admin_key = kKey;
    server_settings_ = settings;
  }
  ~RecordingRoutes() override {
    server_.reset();
    fs::remove_all(folder_);
  }
  void start() { server_ = std::make_unique<Server>(server_settings_); }

  // A finished recording whose "sound" is plain text: the routes send files, whatever is in them.
  void add(const std::string& id, const std::string& room, const std::string& person = "Alice") {
    recording::PosixDisk disk(folder_);
    auto catalogue = recording::Catalogue::open(folder_, disk).value();
    recording::Manifest m;
    m.id = id;
    m.room = room;
    m.state = "finished";
    m.started_ms = 1'795'608'000'000;
    m.duration_ms = 1'000;
    m.folder = recording::folder_of(m.started_ms, id);
    m.people.push_back({"p1", person, true, 0, 1'000});
    m.mixdown.file = "mixdown.opus";
    m.tracks.emplace_back().file = "tracks/p1-1.opus";
    m.tracks.back().participant = "p1";
    EXPECT_TRUE(disk.replace(m.folder + "/mixdown.opus", kMixdown));
    EXPECT_TRUE(disk.replace(m.folder + "/tracks/p1-1.opus", "track of " + id));
    EXPECT_TRUE(catalogue->complete(m));
  }

  Got ask(const std::string& method, const std::string& target,
          const std::vector<std::pair<std::string, std::string>>& headers = {}, bool key = true,
          const std::string& body = {}) const {
    boost::asio::io_context context;
    beast::tcp_stream stream(context);
    boost::asio::ip::tcp::resolver resolver(context);
    const auto url = server_->url();
    stream.connect(resolver.resolve(url.host, std::to_string(url.port)));
    http::request<http::string_body> request;
    request.method_string(method);
    request.target(target);
    request.set(http::field::host, url.authority());
    if (key) request.set(http::field::authorization, std::string("Bearer ") + kKey);
    for (const auto& [name, value] : headers) request.set(name, value);
    if (!body.empty()) request.set(http::field::content_type, "application/json");
    request.body() = body;
    request.prepare_payload();
    http::write(stream, request);
    http::response_parser<http::string_body> parser;
    parser.skip(method == "HEAD");
    beast::flat_buffer buffer;
    http::read(stream, buffer, parser);
    Got out;
    out.status = static_cast<int>(parser.get().result_int());
    out.body = parser.get().body();
    out.headers = parser.get().base();
    return out;
  }
  std::string link(const std::string& id, const std::string& file, int seconds = 600) const {
    const auto got = ask("POST", "/api/v1/recordings/" + id + "/link", {}, true,
                         json::serialize(json::object{{"file", file}, {"expires_s", seconds}}));
    EXPECT_EQ(got.status, 200) << got.body;
    return std::string(json::parse(got.body).at("path").as_string());
  }

  fs::path folder_;
  settings::Settings server_settings_;
  std::unique_ptr<Server> server_;
};

TEST_F(RecordingRoutes, SendRangesAsRfc9110Asks) {
  start();
  const std::string mixdown = "/api/v1/recordings/one/mixdown";
  const auto whole = ask("GET", mixdown);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, kMixdown);
  EXPECT_EQ(whole.header("Accept-Ranges"), "bytes");
  const auto tag = whole.header("ETag");
  EXPECT_EQ(tag.size(), 10U);
  const auto head = ask("HEAD", mixdown);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "36");
  EXPECT_EQ(head.header("ETag"), tag);

  struct Case {
    const char* range;
    int status;
    const char *body, *content_range;
  };
  for (const auto& c : std::vector<Case>{{"bytes=0-0", 206, "0", "bytes 0-0/36"},
                                         {"bytes=10-12", 206, "abc", "bytes 10-12/36"},
                                         {"bytes=33-", 206, "xyz", "bytes 33-35/36"},
                                         {"bytes=-2", 206, "yz", "bytes 34-35/36"},
                                         {"bytes=34-999", 206, "yz", "bytes 34-35/36"},
                                         {"bytes=-999", 206, kMixdown.c_str(), "bytes 0-35/36"},
                                         {"bytes=36-", 416, nullptr, "bytes */36"},
                                         {"bytes=99999999999999999999-", 200, kMixdown.c_str(), ""},
                                         {"bytes=-0", 416, nullptr, "bytes */36"},
                                         {"bytes=5-3", 200, kMixdown.c_str(), ""},
                                         {"bytes=0-1,3-4", 200, kMixdown.c_str(), ""},
                                         {"bytes=x-y", 200, kMixdown.c_str(), ""},
                                         {"bytes=--5", 200, kMixdown.c_str(), ""},
                                         {"lines=1-2", 200, kMixdown.c_str(), ""}}) {
    const auto got = ask("GET", mixdown, {{"Range", c.range}});
    EXPECT_EQ(got.status, c.status) << c.range;
    EXPECT_EQ(got.header("Content-Range"), c.content_range) << c.range;
    if (c.body != nullptr) {
      EXPECT_EQ(got.body, c.body) << c.range;
    }
  }
  EXPECT_EQ(ask("GET", mixdown, {{"Range", "bytes=0-0"}, {"If-Range", tag}}).status, 206);
  EXPECT_EQ(ask("GET", mixdown, {{"Range", "bytes=0-0"}, {"If-Range", "\"other\""}}).status, 200);
}

TEST_F(RecordingRoutes, LinksOpenWhatTheyAreForUntilTheyExpire) {
  add("two", "other");
  start();
  EXPECT_EQ(ask("GET", "/api/v1/recordings/one/mixdown", {}, false).status, 401);
  const auto mixdown = link("one", "mixdown");
  EXPECT_EQ(ask("GET", mixdown, {}, false).body, kMixdown);
  EXPECT_EQ(ask("HEAD", mixdown, {}, false).status, 200);
  const auto query = mixdown.substr(mixdown.find('?'));
  const auto at = [](const std::string& path) { return "/api/v1/recordings/" + path; };
  for (const auto* path :
       {"one", "one/zip", "one/waveform", "one/tracks/p1-1.opus", "two/mixdown", "two", "one/mixdown/"})
    EXPECT_NE(ask("GET", at(path) + query, {}, false).status, 200) << path;
  EXPECT_EQ(ask("DELETE", at("one") + query, {}, false).status, 401);
  EXPECT_EQ(ask("GET", "/api/v1/recordings" + query, {}, false).status, 401);

  // To all of it.
  const auto all = link("one", "all");
  const auto right = all.substr(all.find('?'));
  for (const auto* path : {"one", "one/zip", "one/mixdown", "one/waveform", "one/tracks/p1-1.opus"})
    EXPECT_EQ(ask("GET", at(path) + right, {}, false).status, 200) << path;
  for (const auto* path : {"two", "two/mixdown", "two/tracks/p1-1.opus"})
    EXPECT_EQ(ask("GET", at(path) + right, {}, false).status, 401) << path;
  EXPECT_EQ(ask("DELETE", at("one") + right, {}, false).status, 401);
  EXPECT_EQ(ask("POST", at("one/link") + right, {}, false, R"({"file":"all"})").status, 401);

  // Forged.
  auto forged = mixdown;
  forged.back() = forged.back() == '0' ? '1' : '0';
  EXPECT_EQ(ask("GET", forged, {}, false).status, 401);
  auto later = mixdown;
  const auto expires = later.find("expires=") + 8;
  later[expires] = later[expires] == '9' ? '8' : static_cast<char>(later[expires] + 1);
  EXPECT_EQ(ask("GET", later, {}, false).status, 401);
  for (const auto* tail : {"?expires=9999999999&signature=", "?expires=9999999999", "?expires=-1&signature=0",
                           "?expires=x&signature=0"})
    EXPECT_EQ(ask("GET", at("one/mixdown") + tail, {}, false).status, 401) << tail;

  const auto soon = link("one", "mixdown", 1);
  EXPECT_EQ(wait_until([&] { return ask("GET", soon, {}, false).status == 401 ? "" : "still good"; }, 5s),
            "");

  // What may be linked to.
  for (const auto* file : {"../two", "a/b", "", "x y", "\"", "%2e%2e"}) {
    const auto got = ask("POST", at("one/link"), {}, true, json::serialize(json::object{{"file", file}}));
    EXPECT_TRUE(got.status == 404 || got.status == 400) << file << ": " << got.status;
  }
  for (const auto* body : {R"({"expires_s":0})", R"({"expires_s":99999999})", R"({"file":7})", "[]", "x"})
    EXPECT_EQ(ask("POST", at("one/link"), {}, true, body).status, 400) << body;
}

TEST_F(RecordingRoutes, NamesOfAllKindsAreListedAndFetched) {
  const std::vector<std::string> names = {"../../etc/passwd",
                                          "",
                                          std::string(300, 'n'),
                                          "😀👩‍👩‍👧",
                                          "CON",
                                          "\"'`",
                                          "'; DROP TABLE recordings; --",
                                          "<script>alert(1)</script>",
                                          "a\\b",
                                          "%2e%2e%2f"};
  for (std::size_t i = 0; i < names.size(); ++i) add("id" + std::to_string(i), names[i], names[i]);
  start();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto base = "/api/v1/recordings/id" + std::to_string(i);
    if (!names[i].empty()) {
      const auto listed = ask("GET", "/api/v1/recordings?room=" + client::encode_path_segment(names[i]));
      ASSERT_EQ(listed.status, 200) << listed.body;
      const auto rows = json::parse(listed.body).at("recordings").as_array();
      ASSERT_EQ(rows.size(), 1U) << names[i];
      EXPECT_EQ(rows[0].at("room").as_string(), names[i]);
    }
    const auto shown = ask("GET", base);
    ASSERT_EQ(shown.status, 200);
    EXPECT_EQ(json::parse(shown.body).at("participants").at(0).at("name").as_string(), names[i]);
    EXPECT_EQ(ask("GET", base + "/tracks/p1-1.opus").body, "track of id" + std::to_string(i));
    const auto file = ask("GET", base + "/mixdown");
    EXPECT_EQ(file.header("Content-Disposition"),
              "attachment; filename=\"id" + std::to_string(i) + "-mixdown.opus\"");
    const auto zip = ask("GET", base + "/zip");
    EXPECT_EQ(zip.status, 200);
    // A local header (APPNOTE 4.3.7) has the name's length at 26 and the name at 30.
    for (auto at = zip.body.find("PK\3\4"); at != std::string::npos; at = zip.body.find("PK\3\4", at + 4))
      EXPECT_EQ(zip.body.compare(at + 30, 4, "id" + std::to_string(i) + "/"), 0)
          << "a name has become a path";
    const auto svg = ask("GET", base + "/waveform");
    EXPECT_EQ(svg.status, 200);
    EXPECT_EQ(svg.header("Content-Type"), "image/svg+xml");
    EXPECT_EQ(svg.body.find("<script"), std::string::npos);
  }
  EXPECT_EQ(json::parse(ask("GET", "/api/v1/recordings").body).at("total").as_int64(),
            static_cast<std::int64_t>(names.size()) + 1);
}

TEST_F(RecordingRoutes, NobodyGetsAtAnythingElse) {
  std::ofstream(folder_ / "secret.opus") << "root:secret";
  start();
  const std::string at = "/api/v1/recordings/";
  const std::string long_name(300, 'x');
  for (const std::string& id :
       {std::string("..%2F..%2F..%2Fetc%2Fpasswd"), std::string("%2e%2e"), std::string("one%00"),
        std::string("one%2Fmixdown"), long_name, std::string("%F0%9F%98%80"), std::string("CON"),
        std::string("%27%20OR%20%27a%27%3D%27a"), std::string("one%27%3B%20DROP%20TABLE%20recordings--"),
        std::string("%25"), std::string("2026%2F11%2F25%2Fone"), std::string("*")}) {
    for (const char* rest : {"", "/mixdown", "/zip", "/waveform", "/tracks/p1-1.opus"}) {
      const auto got = ask("GET", at + id + rest);
      EXPECT_TRUE(got.status == 404 || got.status == 400) << id << rest << ": " << got.status;
      EXPECT_EQ(got.body.find("root:"), std::string::npos);
    }
    const auto gone = ask("DELETE", at + id).status;
    EXPECT_TRUE(gone == 404 || gone == 400) << id << ": " << gone;
  }
  for (const std::string& track :
       {std::string("..%2Frecording.json"), std::string("..%2Fmixdown.opus"),
        std::string("..%2F..%2F..%2F..%2Fsecret.opus"), std::string("recording.json"),
        std::string("p1-1.opus%00.oga"), std::string("P1-1.OPUS"), std::string("p1-1"), long_name,
        std::string("%2Fetc%2Fpasswd"), std::string("p2-1.opus")}) {
    const auto got = ask("GET", at + "one/tracks/" + track);
    EXPECT_TRUE(got.status == 404 || got.status == 400) << track << ": " << got.status;
    EXPECT_EQ(got.body.find("root:"), std::string::npos);
  }
  // A link put in a track's place is not followed.
  const auto place = folder_ / recording::folder_of(1'795'608'000'000, "one") / "tracks/p1-1.opus";
  fs::remove(place);
  fs::create_symlink(folder_ / "secret.opus", place);
  EXPECT_EQ(ask("GET", at + "one/tracks/p1-1.opus").status, 404);

  for (const char* query : {"room=%27%20OR%201%3D1%20--", "state=x%27%20OR%20%27a%27%3D%27a", "room=%25",
                            "state=%22", "room=one%27%3B%20DELETE"}) {
    const auto got = ask("GET", std::string("/api/v1/recordings?") + query);
    EXPECT_EQ(got.status, 200) << query;
    EXPECT_EQ(json::parse(got.body).at("total").as_int64(), 0) << query;
  }
  for (const char* query : {"limit=-1", "limit=501", "limit=1%3B%20DROP", "offset=x", "from=yesterday",
                            "to=2026-13-99", "sort=id", "from=1%20OR%201", "limit=99999999999999999999"}) {
    EXPECT_EQ(ask("GET", std::string("/api/v1/recordings?") + query).status, 400) << query;
  }
  EXPECT_EQ(
      json::parse(ask("GET", "/api/v1/recordings?offset=1000000000").body).at("recordings").as_array().size(),
      0U);
  EXPECT_EQ(json::parse(ask("GET", "/api/v1/recordings").body).at("total").as_int64(), 1)
      << "nothing was deleted";
}

}  // namespace
}  // namespace parley::scenario
