#include "pipelines/streams/parts.hpp"

#include <gst/gst.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "pipelines/device/gst_support.hpp"

namespace parley::streams {
namespace {

using namespace std::string_view_literals;

// The queue between the room and a peer that does not keep up: 2 s, then the oldest goes.
constexpr std::string_view kSource =
    "appsrc name=in is-live=true format=time block=false max-buffers=100 max-bytes=0 max-time=0 "
    "leaky-type=downstream";

constexpr std::string_view kBlack =
    " videotestsrc is-live=true pattern=black ! video/x-raw,width=640,height=360,framerate=5/1 ! video.";
constexpr std::string_view kPicture =
    " filesrc name=picture ! decodebin ! imagefreeze is-live=true ! videoconvert ! videoscale ! "
    "video/x-raw,width=1280,height=720,framerate=5/1,pixel-aspect-ratio=1/1 ! video.";
constexpr std::string_view kVideoTrack =
    " queue name=video max-size-buffers=4 leaky=downstream ! videoconvert ! x264enc speed-preset=ultrafast "
    "tune=zerolatency "
    "key-int-max=10 bitrate=300 ! h264parse ! mux.";

// The caps in between tell oggmux which kind of pad is wanted.
std::string ogg(Format format) {
  return std::string(format == Format::vorbis ? " ! audio/x-vorbis" : " ! audio/x-opus") +
         " ! oggmux max-delay=100000000 max-page-delay=200000000";
}
constexpr std::string_view kAdts = " ! aacparse ! audio/mpeg,mpegversion=4,stream-format=adts";

std::string file_body(const Target& target, Format format) {
  if (target.path.ends_with(".ts"))
    return format == Format::opus ? " ! opusparse ! mpegtsmux" : " ! aacparse ! mpegtsmux";
  if (target.path.ends_with(".mka")) return " ! opusparse ! matroskamux streamable=true";
  if (format == Format::mp3) return "";
  if (format == Format::aac) return std::string(kAdts);
  return ogg(format);
}

std::string aac_encoder() {
  for (const char* name : {"avenc_aac", "voaacenc"}) {
    if (GstElementFactory* found = gst_element_factory_find(name)) {
      gst_object_unref(found);
      return name;
    }
  }
  return "avenc_aac";
}

struct Part {
  std::string_view element, package;
};
// Of what is not in gstreamer1.0-plugins-base.
constexpr Part kParts[] = {
    {"fdsink"sv, "libgstreamer1.0-0"sv},
    {"appsrc"sv, "gstreamer1.0-plugins-base"sv},
    {"oggmux"sv, "gstreamer1.0-plugins-base"sv},
    {"vorbisenc"sv, "gstreamer1.0-plugins-base"sv},
    {"opusparse"sv, "gstreamer1.0-plugins-bad"sv},
    {"aacparse"sv, "gstreamer1.0-plugins-good"sv},
    {"mpegaudioparse"sv, "gstreamer1.0-plugins-good"sv},
    {"lamemp3enc"sv, "gstreamer1.0-plugins-good"sv},
    {"appsink"sv, "gstreamer1.0-plugins-base"sv},
    {"mp4mux"sv, "gstreamer1.0-plugins-good"sv},
    {"flvmux"sv, "gstreamer1.0-plugins-good"sv},
    {"matroskamux"sv, "gstreamer1.0-plugins-good"sv},
    {"rtpopuspay"sv, "gstreamer1.0-plugins-good"sv},
    {"udpsink"sv, "gstreamer1.0-plugins-good"sv},
    {"imagefreeze"sv, "gstreamer1.0-plugins-good"sv},
    {"avenc_aac"sv, "gstreamer1.0-libav"sv},
    {"voaacenc"sv, "gstreamer1.0-plugins-bad"sv},
    {"mpegtsmux"sv, "gstreamer1.0-plugins-bad"sv},
    {"rtmp2sink"sv, "gstreamer1.0-plugins-bad"sv},
    {"srtsink"sv, "gstreamer1.0-plugins-bad"sv},
    {"hlssink2"sv, "gstreamer1.0-plugins-bad"sv},
    {"h264parse"sv, "gstreamer1.0-plugins-bad"sv},
    {"videotestsrc"sv, "gstreamer1.0-plugins-base"sv},
    {"x264enc"sv, "gstreamer1.0-plugins-ugly"sv},
};

bool has_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || text[at - 1] == ' ';
    const auto end = at + word.size();
    if (begins && (end == text.size() || text[end] == ' ')) return true;
  }
  return false;
}

std::vector<Part> missing(const std::string& description) {
  device::start_gstreamer();
  std::vector<Part> out;
  for (const Part& part : kParts) {
    if (!has_word(description, part.element)) continue;
    if (GstElementFactory* found = gst_element_factory_find(std::string(part.element).c_str()))
      gst_object_unref(found);
    else
      out.push_back(part);
  }
  return out;
}

}  // namespace

std::string endpoint_description(const Target& target, const Coding& coding, Video video) {
  const std::string source(kSource);
  const std::string file_sink = " ! fdsink name=sink sync=false";
  switch (target.kind) {
    case Kind::icecast: {
      const bool in_ogg = coding.format == Format::opus || coding.format == Format::vorbis;
      const auto body = in_ogg ? ogg(coding.format) : std::string(coding.format == Format::aac ? kAdts : "");
      return source + body + file_sink;
    }
    case Kind::file:
      return source + file_body(target, coding.format) + file_sink;
    case Kind::rtmp:
    case Kind::rtmps: {
      std::string out =
          source + " ! aacparse ! flvmux name=mux streamable=true ! rtmp2sink name=sink sync=false";
      if (video == Video::none) return out;
      return out + std::string(kVideoTrack) + std::string(video == Video::black ? kBlack : kPicture);
    }
    case Kind::srt:
      return source + (coding.format == Format::opus ? " ! opusparse" : " ! aacparse") +
             " ! mpegtsmux alignment=7 ! srtsink name=sink sync=false wait-for-connection=false "
             "auto-reconnect=false";
    case Kind::rtp:
      return source + " ! rtpopuspay pt=96 ! udpsink name=sink sync=false async=false";
    case Kind::hls:
      break;
  }
  // The folder's other end is in hls_folder.cpp: the window and what stays behind it are the same.
  if (target.segments == Segments::fmp4)
    return source +
           " ! aacparse ! mp4mux fragment-duration=2000 streamable=true ! appsink name=sink sync=false";
  return source +
         " ! aacparse ! sink.audio hlssink2 name=sink target-duration=2 playlist-length=6 max-files=12";
}

std::string encoder_description(const Coding& coding) {
  std::string out =
      "appsrc name=in is-live=true format=time block=false max-buffers=100 max-bytes=0 max-time=0 "
      "leaky-type=downstream caps=audio/x-raw,format=F32LE,rate=48000,channels=1,layout=interleaved "
      "! audioconvert ! audio/x-raw,channels=2 ! ";
  const auto rate = std::to_string(coding.bitrate);
  switch (coding.format) {
    case Format::aac: {
      const auto encoder = aac_encoder();
      out += "audioconvert ! " + encoder + " bitrate=" + rate + " ! aacparse";
      break;
    }
    case Format::mp3:
      out += "audioconvert ! lamemp3enc target=bitrate cbr=true bitrate=" +
             std::to_string(coding.bitrate / 1000) + " ! audio/mpeg,rate=48000 ! mpegaudioparse";
      break;
    case Format::vorbis:
      out += "audioconvert ! vorbisenc bitrate=" + rate;
      break;
    case Format::opus:
      return "";  // passed on, never encoded
  }
  return out + " ! appsink name=out sync=false max-buffers=200 drop=true";
}

std::string content_type(Format format) {
  switch (format) {
    case Format::mp3:
      return "audio/mpeg";
    case Format::aac:
      return "audio/aac";
    default:
      return "application/ogg";
  }
}

Status check_installed(const Target& target, const Coding& coding, Video video) {
  const auto parts = missing(endpoint_description(target, coding, video) + " " + encoder_description(coding));
  if (parts.empty()) return Done{};
  std::string what = "this stream needs GStreamer elements that are not installed:";
  for (const auto& part : parts)
    what += " " + std::string(part.element) + " (Debian package " + std::string(part.package) + ")";
  return Error{what};
}

std::string missing_parts() {
  std::set<std::string> packages;
  std::string kinds;
  for (const Kind kind : {Kind::icecast, Kind::rtmp, Kind::srt, Kind::rtp, Kind::hls}) {
    Target target;
    target.kind = kind;
    const auto coding = choose_coding(target, "", 0);
    const auto parts =
        missing(endpoint_description(target, *coding, Video::none) + " " + encoder_description(*coding));
    if (parts.empty()) continue;
    kinds += (kinds.empty() ? "" : ", ") + std::string(to_string(kind));
    for (const auto& part : parts) packages.emplace(part.package);
  }
  if (kinds.empty()) return "";
  std::string out = "no streams to " + kinds + " on this machine: not installed:";
  for (const auto& package : packages) out += " " + package;
  return out;
}

}  // namespace parley::streams
