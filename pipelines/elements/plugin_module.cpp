// The loadable form of the plugin (libgstparley.so).
#include "pipelines/elements/plugin.hpp"

#define PACKAGE "parley"

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, parley, "Media plane of a Parley room",
                  parley::pipelines::add_elements, "0.1.0", "Apache-2.0", "parley", "https://parley.invalid")
