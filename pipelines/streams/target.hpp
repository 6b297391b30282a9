// Where a stream goes: the URL, parsed and checked. Pure.
//
//   icecast://[USER:]PASSWORD@HOST[:8000]/MOUNT      rtmp://HOST[:1935]/APP/KEY, rtmps://HOST[:443]/APP/KEY
//   srt://HOST:PORT[?mode=caller|listener&passphrase=&pbkeylen=16|24|32&streamid=&latency=MS]
//   rtp://HOST:PORT      hls:[?segments=ts|fmp4]      file:NAME.(opus|ogg|mp3|aac|ts|mka)
//
// URLs come from strangers: everything is checked here, errors name the part that is wrong and never repeat a
// password. What is a secret (passwords, stream keys, SRT stream ids) is left out by redacted().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/result.hpp"

namespace parley::streams {

enum class Kind : std::uint8_t { icecast, rtmp, rtmps, srt, rtp, hls, file };
enum class Format : std::uint8_t { opus, aac, mp3, vorbis };
enum class Segments : std::uint8_t { ts, fmp4 };  // of HLS: MPEG-TS, or fragmented MP4 (CMAF)

constexpr std::size_t kMaxUrl = 2048;  // bytes

struct Target {
  Kind kind = Kind::icecast;
  std::string host;  // a name or an address without brackets; empty for hls and file
  std::uint16_t port = 0;
  std::string path;            // icecast: "/mount"; rtmp(s): "app/key"; file: the name
  std::string user, password;  // decoded
  struct Srt {
    bool listener = false;
    std::string passphrase, stream_id;
    int key_bytes = 16;
    int latency_ms = 125;
  } srt;
  Segments segments = Segments::ts;
};

Result<Target> parse_target(std::string_view url);
// The URL without its secrets: what may be logged, listed and shown.
std::string redacted(const Target& target);
// Somebody else's words about this target (an error of a server or a library) with every secret, and every
// part of one that may stand alone, struck out.
std::string without_secrets(const Target& target, std::string text);

std::string_view to_string(Kind kind);  // the URL's scheme
std::string_view to_string(Format format);

// The SDP file with which a player receives an RTP stream (RFC 8866, RFC 7587).
std::string rtp_description(const Target& target, std::string_view title);

// What is asked for beside the URL.
struct Coding {
  Format format = Format::opus;
  int bitrate = 0;  // bits per second; 0: the packets of the room's own mix are passed on
  friend auto operator<=>(const Coding&, const Coding&) = default;
};
// `codec`: "opus", "aac", "mp3", "vorbis" or empty for the target's usual one; `bitrate` 0: the usual one.
Result<Coding> choose_coding(const Target& target, std::string_view codec, std::int64_t bitrate);

}  // namespace parley::streams
