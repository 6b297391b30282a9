// The GStreamer side of a room: one flat pipeline of parleymix, parleyoutlet and the slots between them. A
// slot is a talker's chain (receive organ to mixer pad) or a class's chain (mixer pad to outlet pad). Slots
// are kept and used again for the next talker or class of their codec, so that a join seldom touches the
// graph: adding an element costs 0.1 to 0.9 ms, assigning a slot a few microseconds.
//
//   parleyreceive ------------------> parleymix ---- parleyencode ------------> parleyoutlet -> FrameSink
//   parleyreceive ! audioresample --> (total minus    audioresample ! mulawenc >
//                                      self)
// Threads: the room's mix thread.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "pipelines/elements/encode_element.hpp"
#include "pipelines/elements/mix_element.hpp"
#include "pipelines/elements/outlet_element.hpp"
#include "pipelines/elements/receive_element.hpp"

namespace parley::pipelines {

struct TalkerSlot {
  Codec codec = Codec::opus;
  std::vector<GstElement*> elements;
  ReceiveElement* organ = nullptr;
  MixInput* input = nullptr;
  TimePoint free_since{};
};

struct ClassSlot {
  Codec codec = Codec::opus;
  std::vector<GstElement*> elements;
  media::ClassEncoder* encoder = nullptr;  // Opus only: stock G.711 encoders have no state
  MixOutput* mix = nullptr;
  OutletPad* outlet = nullptr;
  TimePoint free_since{};
};

class RoomGraph {
 public:
  RoomGraph(const std::string& name, Duration tick, FrameSink& sink);
  ~RoomGraph();
  RoomGraph(const RoomGraph&) = delete;
  RoomGraph& operator=(const RoomGraph&) = delete;

  // nullptr when a stock element is not installed.
  TalkerSlot* take_talker(Codec codec);
  void give_back(TalkerSlot* slot, TimePoint at);
  ClassSlot* take_class(Codec codec);
  void give_back(ClassSlot* slot, TimePoint at);
  // Removes at most one slot that nobody has needed for 10 s.
  void trim(TimePoint at);
  // Slots built since the last call: what a tick may still afford is the caller's matter.
  bool has_free_talker(Codec codec) const;
  bool has_free_class(Codec codec) const;

  Mixer& mixer() { return *mixer_; }
  Outlet& outlet() { return *outlet_; }
  std::string dot() const;

 private:
  bool build(TalkerSlot& slot);
  bool build(ClassSlot& slot);
  void destroy(std::vector<GstElement*>& elements);
  bool add_chain(std::vector<GstElement*>& elements);

  Duration tick_;
  GstElement* pipeline_ = nullptr;
  GstElement* mix_element_ = nullptr;
  GstElement* outlet_element_ = nullptr;
  Mixer* mixer_ = nullptr;
  Outlet* outlet_ = nullptr;
  std::vector<std::unique_ptr<TalkerSlot>> talkers_;
  std::vector<std::unique_ptr<ClassSlot>> classes_;
  std::vector<TalkerSlot*> free_talkers_;
  std::vector<ClassSlot*> free_classes_;
};

}  // namespace parley::pipelines
