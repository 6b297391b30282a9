// What the device pipelines share: start-up of the library, owning pointers, and the first error on a bus.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <optional>
#include <string>

#include "transport/base/result.hpp"

namespace parley::device {

// Idempotent and thread-safe. Does not touch the caller's command line.
void start_gstreamer();

struct Unref {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstBus* bus) const { gst_object_unref(bus); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;

// A pipeline that goes to NULL before it goes away.
class Pipeline {
 public:
  static Result<Pipeline> parse(const std::string& description);
  Pipeline(Pipeline&&) noexcept = default;
  Pipeline& operator=(Pipeline&&) = delete;
  ~Pipeline();

  Owned<GstElement> by_name(const char* name) const;
  // Waits until the state is reached; a failure is told in the words of the first error on the bus.
  Status reach(GstState state, GstClockTime timeout);
  // The first error that has come up since the last call, if any. Never blocks.
  std::optional<Error> error();
  GstElement* get() const { return pipeline_.get(); }

 private:
  explicit Pipeline(GstElement* pipeline) : pipeline_(pipeline) {}
  Owned<GstElement> pipeline_;
};

}  // namespace parley::device
