// URLs and rules of streams, as strangers and operators write them; the answer of an Icecast server.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pipelines/streams/icecast.hpp"
#include "pipelines/streams/policy.hpp"

namespace {

using namespace parley::streams;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto rules = Policy::parse({text}); rules) {
    rules->check(*parse_target("rtmp://10.0.0.1/a/b")).ok();
    rules->check(*parse_target("icecast://p@a.example.org/m"), *parley::IpAddress::parse("::1")).ok();
  }
  static_cast<void>(icecast_answer(text));
  const auto target = parse_target(text);
  if (!target) return 0;
  // What is shown does not depend on any secret.
  const auto shown = redacted(*target);
  Target blank = *target;
  blank.user = blank.password = blank.srt.passphrase = blank.srt.stream_id = "";
  if (target->kind == Kind::rtmp || target->kind == Kind::rtmps)
    blank.path = blank.path.substr(0, blank.path.find('/') + 1);
  require(redacted(blank) == shown);
  if (target->password.size() > 3)
    require(without_secrets(*target, "(" + target->password + ")").find(target->password) ==
            std::string::npos);
  const auto request = icecast_request(*target, "application/ogg", text);
  std::size_t lines = 0;
  for (std::size_t at = request.find("\r\n"); at != std::string::npos; at = request.find("\r\n", at + 2))
    ++lines;
  require(lines == 9 && request.find('\n') == request.find("\r\n") + 1);
  for (const char* codec : {"", "aac", "opus"}) static_cast<void>(choose_coding(*target, codec, 0).ok());
  static const Policy everything =
      *Policy::parse({"rtmp://*", "srt://*", "icecast://*", "rtp://*", "rtmps://*"});
  for (const char* inside : {"127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"})
    require(!everything.check(*target, *parley::IpAddress::parse(inside)));
  return 0;
}
