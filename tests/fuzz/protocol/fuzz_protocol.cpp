// A signalling message from anywhere, read as either end reads it. What was taken is written and taken again.
#include <cstdint>
#include <cstdlib>

#include "transport/base/bytes.hpp"
#include "transport/protocol/messages.hpp"

namespace {

using namespace parley::protocol;

void require(bool holds) {
  if (!holds) std::abort();
}

template <typename Message, typename Parse>
void check(std::string_view text, Parse parse) {
  const auto parsed = parse(text);
  if (const auto* refused = std::get_if<Refused>(&parsed)) {
    const auto& code = refused->failure.code;
    require(code == "bad-message" || code == "unknown-type" || code == "bad-value");
    // The refusal can itself be sent.
    const auto answer = parse_server_message(to_json(ServerMessage{refused->id, refused->failure}));
    return require(std::holds_alternative<ServerMessage>(answer));
  }
  const auto written = to_json(std::get<Message>(parsed));
  const auto again = parse(written);
  require(std::holds_alternative<Message>(again));
  require(to_json(std::get<Message>(again)) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = parley::as_text({data, size});
  check<ClientMessage>(text, parse_client_message);
  check<ServerMessage>(text, parse_server_message);
  return 0;
}
