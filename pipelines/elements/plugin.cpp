#include "pipelines/elements/plugin.hpp"

#include "pipelines/elements/encode_element.hpp"
#include "pipelines/elements/mix_element.hpp"
#include "pipelines/elements/outlet_element.hpp"
#include "pipelines/elements/receive_element.hpp"

namespace parley::pipelines {

gboolean add_elements(GstPlugin* plugin) {
  return gst_element_register(plugin, "parleyreceive", GST_RANK_NONE, ReceiveElement::type()) &&
         gst_element_register(plugin, "parleymix", GST_RANK_NONE, Mixer::type()) &&
         gst_element_register(plugin, "parleyencode", GST_RANK_NONE, EncodeElement::type()) &&
         gst_element_register(plugin, "parleyoutlet", GST_RANK_NONE, Outlet::type());
}

void register_plugin() {
  gst_plugin_register_static(GST_VERSION_MAJOR, GST_VERSION_MINOR, "parley", "Media plane of a Parley room",
                             add_elements, "0.1.0", "Apache-2.0", "parley", "parley",
                             "https://parley.invalid");
}

}  // namespace parley::pipelines
