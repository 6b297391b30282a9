#include "pipelines/device/auto_device.hpp"

#include <string_view>

namespace parley::device {

namespace {

void shorten(GObject* element) {
  GObjectClass* type = G_OBJECT_GET_CLASS(element);
  if (g_object_class_find_property(type, "buffer-time") != nullptr)
    g_object_set(element, "buffer-time", gint64{40'000}, nullptr);
  if (g_object_class_find_property(type, "latency-time") != nullptr)
    g_object_set(element, "latency-time", gint64{10'000}, nullptr);
}

void on_child_added(GstChildProxy*, GObject* child, gchar*, gpointer) {
  shorten(child);
}

}  // namespace

bool is_stand_in(GstElement* device) {
  if (!GST_IS_BIN(device)) return false;
  bool found = false;
  GstIterator* children = gst_bin_iterate_recurse(GST_BIN(device));
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next(children, &item) == GST_ITERATOR_OK) {
    GstElementFactory* factory = gst_element_get_factory(GST_ELEMENT(g_value_get_object(&item)));
    const std::string_view name = factory != nullptr ? GST_OBJECT_NAME(factory) : "";
    found = found || name == "fakesrc" || name == "fakesink" || name == "audiotestsrc";
    g_value_reset(&item);
  }
  g_value_unset(&item);
  gst_iterator_free(children);
  return found;
}

void ask_for_short_buffers(GstElement* device) {
  shorten(G_OBJECT(device));
  if (GST_IS_CHILD_PROXY(device))
    g_signal_connect(device, "child-added", G_CALLBACK(on_child_added), nullptr);
}

}  // namespace parley::device
