// HTTP calls and the commands made of them, against a server that says what the test tells it to.
#include "client/http_client.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <mutex>
#include <thread>

#include "client/commands.hpp"

namespace parley::client {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

using Answers = std::map<std::string, std::string>;  // by method and target

// Answers each connection once: by method and target, 404 for what is not in the table.
class CannedServer {
 public:
  explicit CannedServer(Answers answers) : answers_(std::move(answers)) {
    thread_ = std::thread([this] {
      for (;;) {
        tcp::socket socket(context_);
        boost::system::error_code error;
        acceptor_.accept(socket, error);
        if (error || stop_) return;
        answer(socket);
      }
    });
  }
  ~CannedServer() {
    stop_ = true;
    tcp::socket wake(context_);
    boost::system::error_code ignored;
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  ServerUrl url() const { return {"127.0.0.1", acceptor_.local_endpoint().port()}; }
  // Everything that was asked, first line, headers and body.
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  static std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string problem(int status, const std::string& detail) {
    const std::string body =
        "{\"status\":" + std::to_string(status) + ",\"title\":\"No\",\"detail\":\"" + detail + "\"}";
    return "HTTP/1.1 " + std::to_string(status) +
           " No\r\nContent-Type: application/problem+json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

 private:
  void answer(tcp::socket& socket) {
    boost::system::error_code error;
    std::string request;
    const auto head = asio::read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n", error);
    if (error) return;
    const auto length_at = request.find("Content-Length: ");
    if (length_at != std::string::npos) {
      const std::size_t length = std::stoul(request.substr(length_at + 16));
      while (request.size() < head + length && !error) {
        std::array<char, 1024> more;
        const auto got = socket.read_some(asio::buffer(more), error);
        request.append(more.data(), got);
      }
    }
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(request);
    }
    const auto found = answers_.find(request.substr(0, request.find(" HTTP/")));
    asio::write(
        socket,
        asio::buffer(found != answers_.end() ? found->second : problem(404, "there is no such thing")),
        error);
  }

  Answers answers_;
  asio::io_context context_;
  tcp::acceptor acceptor_{context_, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::string> asked_;  // guarded by mutex_
  std::thread thread_;
};

TEST(HttpCall, SendsWhatIsAskedAndGivesTheAnswer) {
  CannedServer server(Answers{{"PUT /x", CannedServer::ok("hello")}});
  const auto answer = http_call(server.url(), {"PUT", "/x", "key1", "{\"db\":3}"});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello");
  const auto asked = server.asked().at(0);
  EXPECT_NE(asked.find("Authorization: Bearer key1\r\n"), std::string::npos) << asked;
  EXPECT_NE(asked.find("Host: " + server.url().authority() + "\r\n"), std::string::npos) << asked;
  EXPECT_TRUE(asked.ends_with("\r\n\r\n{\"db\":3}")) << asked;
}

TEST(HttpCall, WhatIsNoHttpIsAnError) {
  CannedServer server(Answers{{"GET /", "SSH-2.0-OpenSSH\r\n\r\n"}});
  EXPECT_FALSE(http_call(server.url(), {}));
}

TEST(HttpCall, AnAnswerCutShortIsAnError) {
  CannedServer server(Answers{{"GET /", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"}});
  EXPECT_FALSE(http_call(server.url(), {}));
}

TEST(HttpCall, AnAnswerWithoutEndIsAnError) {
  CannedServer server(
      {{"GET /", "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + std::string(9'000'000, 'x')}});
  EXPECT_FALSE(http_call(server.url(), {}));
}

TEST(HttpCall, SilenceEndsAtTheTimeout) {
  asio::io_context context;
  tcp::acceptor silent(context, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  const auto answer = http_call({"127.0.0.1", silent.local_endpoint().port()}, {}, 100ms);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().what.find("does not answer"), std::string::npos) << answer.error().what;
}

TEST(Problem, IsTheSentenceOrTheStatus) {
  EXPECT_EQ(problem_of({423, R"({"title":"Locked","detail":"the room is locked"})"}), "the room is locked");
  EXPECT_EQ(problem_of({423, R"({"title":"Locked"})"}), "Locked");
  EXPECT_EQ(problem_of({500, "<html>"}), "HTTP 500");
  EXPECT_EQ(problem_of({500, "[]"}), "HTTP 500");
  EXPECT_EQ(problem_of({500, R"({"detail":7})"}), "HTTP 500");
}

constexpr const char* kPeople = R"({"participants":[{"id":"a1","name":"Ada"},{"id":"b1","name":"Bob"},
  {"id":"b2","name":"Bob"},{"id":"c1","name":"a1"}]})";

ModerateCommand command(const CannedServer& server, ModerateCommand::Action action, std::string participant) {
  ModerateCommand out;
  out.server = server.url();
  out.action = action;
  out.room = "de mo";
  out.participant = std::move(participant);
  return out;
}

TEST(Moderate, FindsPeopleByNameOrId) {
  using Action = ModerateCommand::Action;
  const std::string people = "/api/v1/rooms/de%20mo/participants";
  CannedServer server(Answers{{"GET " + people, CannedServer::ok(kPeople)},
                              {"POST " + people + "/a1/mute", CannedServer::ok("{}")},
                              {"POST " + people + "/b2/kick", CannedServer::ok("{}")},
                              {"POST /api/v1/rooms/de%20mo/lock", CannedServer::ok("{}")}});
  EXPECT_EQ(run_moderate(command(server, Action::mute, "Ada")), kOk);
  EXPECT_EQ(run_moderate(command(server, Action::mute, "a1")), kOk);  // the id, not who is called like it
  EXPECT_EQ(run_moderate(command(server, Action::kick, "b2")), kOk);
  EXPECT_EQ(run_moderate(command(server, Action::lock, "")), kOk);
  EXPECT_EQ(run_moderate(command(server, Action::kick, "Bob")), kFailed);  // which one?
  EXPECT_EQ(run_moderate(command(server, Action::kick, "Eve")), kFailed);
  EXPECT_EQ(run_moderate(command(server, Action::unmute, "Ada")), kFailed);  // 404
}

TEST(Moderate, GainsGoToTheRightRoute) {
  const std::string people = "/api/v1/rooms/de%20mo/participants";
  CannedServer server(Answers{{"GET " + people, CannedServer::ok(kPeople)},
                              {"PUT " + people + "/a1/gain", CannedServer::ok("{}")},
                              {"PUT " + people + "/b1/gains/a1", CannedServer::ok("{}")}});
  auto gain = command(server, ModerateCommand::Action::gain, "Ada");
  gain.db = -6;
  EXPECT_EQ(run_moderate(gain), kOk);
  EXPECT_NE(server.asked().back().find("{\"db\":-6"), std::string::npos) << server.asked().back();
  gain.listener = "b1";
  EXPECT_EQ(run_moderate(gain), kOk);
}

TEST(Commands, ExitCodesTellWhatHappened) {
  struct Row {
    std::string answer;
    int code;
  };
  const Row rows[] = {{CannedServer::ok(R"({"rooms":[]})"), kOk},
                      {CannedServer::ok(R"({"rooms":[{"name":"x","participants":3},7,null]})"), kOk},
                      {CannedServer::problem(401, "the key is wrong"), kRefused},
                      {CannedServer::problem(403, "not for you"), kRefused},
                      {CannedServer::problem(500, "oh"), kFailed},
                      {CannedServer::ok("[]"), kFailed},
                      {CannedServer::ok("no json"), kFailed},
                      {"nonsense\r\n\r\n", kUnreachable}};
  for (const auto& row : rows) {
    CannedServer server(Answers{{"GET /api/v1/rooms", row.answer}});
    EXPECT_EQ(run_rooms({server.url(), "", true}), row.code) << row.answer;
    EXPECT_EQ(run_rooms({server.url(), "", false}), row.code) << row.answer;
  }
}

}  // namespace
}  // namespace parley::client
