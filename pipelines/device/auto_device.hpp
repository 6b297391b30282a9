// Two habits of GStreamer's automatic audio elements that a call must know about.
#pragma once

#include <gst/gst.h>

namespace parley::device {

// When no sound device works, autoaudiosrc and autoaudiosink silently take a fake element instead of failing.
bool is_stand_in(GstElement* device);

// The default ring buffer of 200 ms is delay; 10 ms periods in 40 ms serve a call. Applies to the element
// itself or, for an automatic one, to whatever it chooses.
void ask_for_short_buffers(GstElement* device);

}  // namespace parley::device
