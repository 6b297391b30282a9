// A configuration file from anywhere: taken or refused with one printable line.
#include <cstdint>
#include <cstdlib>

#include "mcu/settings/settings.hpp"
#include "transport/base/bytes.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::settings;
  auto loaded = parse(parley::as_text({data, size}), "fuzz.yaml");
  if (!loaded) {
    const auto& what = loaded.error().what;
    require(what.rfind("fuzz.yaml:", 0) == 0 && what.size() < 1000);
    for (const char c : what) require(static_cast<unsigned char>(c) >= 0x20);
    return 0;
  }
  // The dump of what was taken is taken again, and says the same (secrets are hidden in it, so they go
  // first).
  loaded->auth = {};
  loaded->http.listen.ip = parley::IpAddress::v4(0x7f000001);
  const auto dump = to_yaml(*loaded);
  const auto again = parse(dump, "dump");
  require(again && to_yaml(*again) == dump);
  return 0;
}
