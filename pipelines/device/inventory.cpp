#include "pipelines/device/inventory.hpp"

#include <gst/gst.h>

#include "pipelines/device/gst_support.hpp"

namespace parley::device {

std::vector<SoundDevice> sound_devices() {
  start_gstreamer();
  std::vector<SoundDevice> found;
  GstDeviceMonitor* monitor = gst_device_monitor_new();
  gst_device_monitor_add_filter(monitor, "Audio/Source", nullptr);
  gst_device_monitor_add_filter(monitor, "Audio/Sink", nullptr);
  if (gst_device_monitor_start(monitor)) {
    GList* devices = gst_device_monitor_get_devices(monitor);
    for (GList* at = devices; at != nullptr; at = at->next) {
      auto* device = GST_DEVICE(at->data);
      gchar* name = gst_device_get_display_name(device);
      found.push_back({name, gst_device_has_classes(device, "Audio/Source") != 0});
      g_free(name);
    }
    g_list_free_full(devices, gst_object_unref);
    gst_device_monitor_stop(monitor);
  }
  gst_object_unref(monitor);
  return found;
}

std::string gstreamer_version() {
  start_gstreamer();
  guint major = 0, minor = 0, micro = 0, nano = 0;
  gst_version(&major, &minor, &micro, &nano);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(micro);
}

std::vector<std::string> missing_elements(const std::vector<std::string>& names) {
  start_gstreamer();
  std::vector<std::string> missing;
  for (const auto& name : names) {
    GstElementFactory* factory = gst_element_factory_find(name.c_str());
    if (factory == nullptr)
      missing.push_back(name);
    else
      gst_object_unref(factory);
  }
  return missing;
}

}  // namespace parley::device
