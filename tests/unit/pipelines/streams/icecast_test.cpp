#include "pipelines/streams/icecast.hpp"

#include <gtest/gtest.h>

#include "pipelines/streams/resolve.hpp"

namespace parley::streams {
namespace {

TEST(Icecast, TheRequestHasNoRoomForTricks) {
  const auto target = *parse_target("icecast://dj:a%3Ab@[::1]:8001/x.opus");
  const auto request = icecast_request(target, "application/ogg", "room\r\nX-Evil: 1");
  EXPECT_EQ(request.find("X-Evil: 1\r\n\r\n"), std::string::npos);
  EXPECT_EQ(request.find("\r\nX-Evil"), std::string::npos);
  EXPECT_NE(request.find("PUT /x.opus HTTP/1.1\r\nHost: [::1]:8001\r\n"), std::string::npos);
  EXPECT_NE(request.find("Authorization: Basic ZGo6YTpi\r\n"), std::string::npos);  // dj:a:b, RFC 4648
  EXPECT_TRUE(request.ends_with("\r\n\r\n"));
}

TEST(Icecast, UnderstandsAnswers) {
  EXPECT_TRUE(icecast_answer("HTTP/1.1 100 Continue\r\n\r\n"));
  EXPECT_TRUE(icecast_answer("HTTP/1.0 200 OK\r\nServer: x\r\n\r\n"));
  const auto wrong = icecast_answer("HTTP/1.0 401 You need to authenticate\r\n");
  EXPECT_EQ(wrong.error().code, kRefused);
  EXPECT_NE(wrong.error().what.find("password"), std::string::npos);
  const auto in_use = icecast_answer("HTTP/1.0 403 Mountpoint in use\r\n");
  EXPECT_NE(in_use.error().what.find("Mountpoint in use"), std::string::npos);
  for (const char* head : {"", "HTTP/1.", "ICY 200 OK", "HTTP/1.1", "SSH-2.0-x", "HTTP/1.1 20"})
    EXPECT_FALSE(icecast_answer(head)) << head;
  // What a server says ends up in the log.
  EXPECT_EQ(icecast_answer("HTTP/1.1 403 a\x1b[31mb").error().what.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace parley::streams
