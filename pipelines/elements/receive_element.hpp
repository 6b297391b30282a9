// `parleyreceive`: the receive organ of one leg as a GStreamer element. It never pushes by itself: pull()
// takes one tick from the leg's media::Receiver and pushes it down the src pad, in the caller's thread.
//
// src pad: F32LE mono, 48 kHz for Opus, 8 kHz for G.711 (property `codec`).
#pragma once

#include <gst/gst.h>

#include <span>

#include "pipelines/media/receiver.hpp"

namespace parley::pipelines {

class ReceiveElement {
 public:
  static GType type();
  static ReceiveElement& of(GstElement* element);
  static GstElement* make(Codec codec);

  // Whose sound comes next; nullptr: nobody's. Opens the stream anew, so that nothing of the last leg is left
  // downstream. The receiver is borrowed.
  void set_receiver(media::Receiver* receiver);
  // One tick; `media_time` in 48 kHz samples.
  media::Pulled pull(TimePoint at, std::uint64_t media_time);
  // The same for a tick whose sound came another way (Receiver::recall); 48 kHz.
  void push(std::span<const float> samples, std::uint64_t media_time);

 private:
  friend struct ReceiveGlue;
  explicit ReceiveElement(GstPad* src);
  ~ReceiveElement();

  struct State;
  State* state_;
};

}  // namespace parley::pipelines
