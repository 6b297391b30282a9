// Which GStreamer elements a stream is made of, and which Debian package brings each.
#pragma once

#include <string>

#include "pipelines/streams/target.hpp"

namespace parley::streams {

// A video track for services that refuse audio alone.
enum class Video : std::uint8_t { none, black, picture };

// gst-launch descriptions of constants only: nothing of a URL ever gets into them.
std::string endpoint_description(const Target& target, const Coding& coding, Video video);
std::string encoder_description(const Coding& coding);
std::string content_type(Format format);  // for Icecast

// Everything this stream needs is installed; the error names element and package.
Status check_installed(const Target& target, const Coding& coding, Video video);
// For the log at start: one line for each kind of stream that this machine cannot make.
std::string missing_parts();

}  // namespace parley::streams
