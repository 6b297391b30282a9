// `parleyoutlet`: where a room's packets leave. Request sink pads, one per mix class: `opus_%u`, `pcmu_%u`,
// `pcma_%u`. Each pad holds the table of the legs that take its class; a packet is handed to the FrameSink
// once, with all of them. G.711 bytes are cut to packets of exactly one tick, whatever blocks the stock
// elements deliver.
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "pipelines/room_pipeline.hpp"

namespace parley::pipelines {

// One class's pad.
class OutletPad {
 public:
  std::vector<LegId>& legs() { return legs_; }
  std::vector<Contributor>& contributors() { return contributors_; }
  // A class begins.
  void reset();
  // Sequence numbers to leave out before the next packet.
  void add_holes(std::uint16_t holes) { holes_ = static_cast<std::uint16_t>(holes_ + holes); }
  // Packets are taken and thrown away: a stock encoder is being brought to the state of another.
  void set_discard(bool discard) { discard_ = discard; }
  // The next packet follows on those of `other`, for legs that leave its class.
  void follow(const OutletPad& other);
  // Legs come over from `other`: the one that has waited longest for a packet counts.
  void welcome(const OutletPad& other) { last_packet_ = std::min(last_packet_, other.last_packet_); }
  // In this tick something left that is more than a DTX packet.
  bool sent_sound() const { return sent_sound_; }
  GstPad* pad() const { return pad_; }

 private:
  friend class Outlet;
  GstPad* pad_ = nullptr;
  Codec codec_ = Codec::opus;
  std::vector<LegId> legs_;
  std::vector<Contributor> contributors_;
  ByteBuffer waiting_;
  bool quiet_ = true;  // what left last was silence: the next packet of sound gets the marker
  bool sent_sound_ = false;
  std::uint8_t toc_ = 0;
  std::uint64_t last_packet_ = 0;  // media time
  std::uint16_t holes_ = 0;
  bool discard_ = false;
};

class Outlet {
 public:
  static GType type();
  static Outlet& of(GstElement* element);
  static GstElement* make(Duration tick, FrameSink& sink);

  OutletPad& pad(GstPad* pad);
  // The tick whose packets come now.
  void begin(std::uint64_t media_time);
  // A talker's packet, verbatim, for all legs of the pad.
  void forward(OutletPad& pad, Bytes payload);
  // A talker whose packets are being forwarded pauses: an empty packet when none has left for 400 ms.
  void pause(OutletPad& pad);

 private:
  friend struct OutletGlue;
  explicit Outlet(GstElement* element) : element_(element) {}
  GstPad* add(GstPadTemplate* shape, const char* name);
  void remove(GstPad* pad);
  void chain(OutletPad& pad, GstBuffer* buffer);
  void send(OutletPad& pad, Bytes payload, bool forwarded);

  GstElement* element_;
  FrameSink* sink_ = nullptr;
  std::vector<std::unique_ptr<OutletPad>> pads_;
  std::size_t g711_bytes_ = 160;
  std::uint64_t media_time_ = 0;
  guint names_ = 0;
};

}  // namespace parley::pipelines
