// `parleyencode`: the Opus encoder of one mix class. sink: one tick of F32LE mono 48 kHz (flag GAP: digital
// silence); src: one packet, or none when there is nothing to send (DTX).
#pragma once

#include <gst/gst.h>

#include "pipelines/media/opus_encoder.hpp"

namespace parley::pipelines {

class EncodeElement {
 public:
  static GType type();
  static GstElement* make(Duration tick);
  // The encoder inside, for cold starts, copies and warming; between ticks.
  static media::ClassEncoder& encoder(GstElement* element);
};

}  // namespace parley::pipelines
