// An SDP text from anywhere: as an offer to the server, as an answer to the client, and as a trickle
// fragment.
#include <cstdint>
#include <cstdlib>

#include "transport/base/bytes.hpp"
#include "transport/sdp/fragment.hpp"
#include "transport/sdp/offer.hpp"

namespace {

using namespace parley;

void require(bool holds) {
  if (!holds) std::abort();
}

sdp::LocalEndpoint endpoint() {
  sdp::LocalEndpoint out;
  out.ufrag = "abcdefgh";
  out.pwd = "0123456789abcdefghijklmn";
  out.fingerprint = "sha-256 00";
  for (int i = 1; i < 32; ++i) out.fingerprint += ":00";
  out.candidates = {Address{IpAddress::v4(0x7f000001), 5004}};
  out.plain_rtp = Address{IpAddress::v4(0x7f000001), 5004};
  out.ssrc = 1;
  out.cname = "fuzz";
  return out;
}

void as_offer(std::string_view text) {
  const auto offer = sdp::parse(text);
  if (!offer) return require(offer.error().code == sdp::kMalformed && offer.error().what.size() < 400);
  const auto again = sdp::parse(sdp::to_string(*offer));
  // What is dropped or repeated may bring the text over a limit only if it was near it.
  if (text.size() < 8 * 1024) require(again && *again == *offer);
  const auto leg = sdp::accept_offer(*offer);
  if (!leg) return require(leg.error().code == sdp::kNotAcceptable);
  require(leg->encrypted ? !leg->remote_fingerprint.empty() : leg->remote.has_value());
  const auto answer = sdp::parse(sdp::write_answer(*offer, *leg, endpoint()));
  require(answer && answer->media.size() == offer->media.size());
  for (std::size_t i = 0; i < answer->media.size(); ++i)
    require((answer->media[i].port != 0) == (i == leg->media_index));
}

void as_answer(std::string_view text) {
  static const std::string encrypted = sdp::write_offer({}, endpoint());
  static const std::string plain = [] {
    sdp::OfferOptions options;
    options.encrypted = false;
    options.codecs = {Codec::pcmu};
    return sdp::write_offer(options, endpoint());
  }();
  if (const auto leg = sdp::parse_answer(encrypted, text))
    require(leg->encrypted && leg->payload_type == 111 && !leg->remote_fingerprint.empty());
  if (const auto leg = sdp::parse_answer(plain, text))
    require(!leg->encrypted && leg->payload_type == 0 && leg->remote.has_value());
}

void as_fragment(std::string_view text) {
  const auto fragment = sdp::parse_fragment(text);
  if (!fragment) return;
  const auto answer = sdp::write_answer_fragment(*fragment, "abcdefgh", "0123456789abcdefghijklmn", {});
  const auto again = sdp::parse_fragment(answer);
  require(again && again->ufrag == "abcdefgh" && again->mid == fragment->mid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  as_offer(text);
  as_answer(text);
  as_fragment(text);
  return 0;
}
