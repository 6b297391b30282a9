#include "pipelines/device/gst_support.hpp"

#include <mutex>

namespace parley::device {

void start_gstreamer() {
  static std::once_flag once;
  std::call_once(once, [] { gst_init(nullptr, nullptr); });
}

Result<Pipeline> Pipeline::parse(const std::string& description) {
  start_gstreamer();
  GError* failure = nullptr;
  GstElement* pipeline =
      gst_parse_launch_full(description.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &failure);
  if (failure != nullptr) {
    Error error{std::string("GStreamer: ") + failure->message, failure->code};
    g_error_free(failure);
    if (pipeline != nullptr) gst_object_unref(pipeline);
    return error;
  }
  gst_object_ref_sink(pipeline);
  return Pipeline(pipeline);
}

Pipeline::~Pipeline() {
  if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

Owned<GstElement> Pipeline::by_name(const char* name) const {
  return Owned<GstElement>(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
}

Status Pipeline::reach(GstState state, GstClockTime timeout) {
  const auto asked = gst_element_set_state(pipeline_.get(), state);
  const auto reached = asked == GST_STATE_CHANGE_FAILURE
                           ? asked
                           : gst_element_get_state(pipeline_.get(), nullptr, nullptr, timeout);
  if (reached == GST_STATE_CHANGE_SUCCESS || reached == GST_STATE_CHANGE_NO_PREROLL) return Done{};
  if (auto told = error()) return *told;
  return Error{reached == GST_STATE_CHANGE_ASYNC ? "no answer in time" : "could not be started"};
}

std::optional<Error> Pipeline::error() {
  const Owned<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  std::optional<Error> first;
  while (GstMessage* message = gst_bus_pop(bus.get())) {
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && !first) {
      GError* failure = nullptr;
      gst_message_parse_error(message, &failure, nullptr);
      first = Error{failure->message, failure->code};
      g_error_free(failure);
    }
    gst_message_unref(message);
  }
  return first;
}

}  // namespace parley::device
