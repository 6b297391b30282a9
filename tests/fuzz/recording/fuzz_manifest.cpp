// A recording.json from anywhere, as the server and as the client read it. What the server takes it writes
// the same again, and it names no file outside its folder; whatever the client takes can be drawn.
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <cstdlib>

#include "client/recording_info.hpp"
#include "mcu/recording/manifest.hpp"
#include "transport/base/bytes.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  const auto text = as_text({data, size});
  if (const auto manifest = recording::read_manifest(text)) {
    require(recording::valid_id(manifest->id));
    require(manifest->mixdown.file.empty() || manifest->mixdown.file == "mixdown.opus");
    for (const auto& track : manifest->tracks) {
      require(track.file.find("..") == std::string::npos && track.file.rfind("tracks/", 0) == 0);
      require(track.file.find('/', 7) == std::string::npos);
    }
    const auto written = boost::json::serialize(recording::to_json(*manifest));
    const auto again = recording::read_manifest(written);
    require(again && boost::json::serialize(recording::to_json(*again)) == written);
    static_cast<void>(recording::to_row(*manifest));
  }
  if (const auto info = client::read_recording_info(text)) {
    for (const auto& track : info->tracks)
      require(recording::valid_track_file(track.file) || track.file.size() > 80);
    const auto svg = recorder::to_svg(recorder::draw(client::timeline_of(*info)));
    require(svg.ends_with("</svg>\n") && svg.find('\0') == std::string::npos);
    static_cast<void>(client::participants_called(*info, "alice"));
  }
  return 0;
}
