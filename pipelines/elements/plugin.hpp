// The plugin `parley`: our elements under GStreamer's names. Registered in the process by register_plugin(),
// and built as a loadable module too (libgstparley.so), so that the stock tools show them:
//   GST_PLUGIN_PATH=<build>/lib/gstreamer-1.0 gst-inspect-1.0 parley
#pragma once

#include <gst/gst.h>

namespace parley::pipelines {

gboolean add_elements(GstPlugin* plugin);

// After gst_init; once per process.
void register_plugin();

}  // namespace parley::pipelines
