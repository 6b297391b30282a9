// `parleymix`: the mixer of one room. Request sink pads `sink_%u` are talkers being decoded, request src pads
// are mix classes: `src_%u` float for Opus, `s16_%u` integers for the stock G.711 encoders. Buffers on the
// sink pads are only taken in; the mixes leave on one explicit tick().
//
// Every contribution is rounded to Q24 once; a class is a sum or the total minus the others, exactly; one
// limiter curve serves all classes, and a class with a personal gain above 1 has its own (design rule 4).
// Threads: the room's mix thread.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pipelines/elements/element_support.hpp"
#include "pipelines/media/mix_bus.hpp"
#include "transport/base/time.hpp"

namespace parley::pipelines {

// One talker's pad.
class MixInput {
 public:
  // A new talker: its sound begins with a fade of 2.5 ms.
  void start(float gain);
  // Reached at the end of the next tick, in a straight line.
  void set_gain(float gain) { gain_to_ = gain; }
  float gain() const { return gain_; }
  // Unit gain, before and in the coming tick.
  bool untouched() const { return gain_ == 1.0F && gain_to_ == 1.0F; }
  // Of the last tick, before the gain: what the talker sends.
  float rms() const { return rms_; }
  std::span<const float> samples() const { return samples_; }
  // Of the last tick, after the gain.
  std::span<const media::Q24> part() const { return part_; }
  GstPad* pad() const { return pad_; }

 private:
  friend class Mixer;
  void take(std::span<const float> samples);
  void convert(std::span<const float> samples);

  GstPad* pad_ = nullptr;
  std::vector<media::Q24> part_;
  std::vector<float> samples_;
  std::vector<float> waiting_;  // G.711: the resampler's blocks are not ticks
  float gain_ = 0;
  float gain_to_ = 0;
  float rms_ = 0;
  bool fresh_ = true;
  bool fed_ = false;
  std::uint64_t heard_ = 0;  // the last sum it was part of
};

// What a class hears of one talker during a tick: a gain that moves in a straight line.
struct MixTerm {
  MixInput* input = nullptr;
  float from = 1.0F;
  float to = 1.0F;
};

// One class's pad.
class MixOutput {
 public:
  std::vector<MixTerm>& terms() { return terms_; }
  // Off: the class is served otherwise this tick (verbatim); its mix is made, but not pushed.
  void set_push(bool push) { push_ = push; }
  // Served before the others when there is no time for all.
  void set_shared(bool shared) { shared_ = shared; }
  // The last tick had no time for this one: its listeners got nothing.
  bool shed() const { return shed_; }
  // On: nothing is mixed, since the class is served verbatim and its talker is not even decoded. Before it is
  // off again Mixer::rehearse() brings the mix up to date.
  void set_rest(bool rest) { rest_ = rest; }
  // The next tick follows on the last one of `other`, as the ear of a listener who leaves it does.
  void follow(const MixOutput& other);
  // A class begins, with nothing heard before; and ends. In between the output has a mix each tick.
  void start();
  void stop();
  // The last tick's mix, as its encoder gets it.
  std::span<const float> mix() const { return mix_; }
  // The mix of `ticks_ago` ticks back: 0 is the last one; at most kHistory - 1.
  std::span<const float> history(std::size_t ticks_ago) const;
  static constexpr std::size_t kHistory = 6;
  // The last mix was digital silence.
  bool quiet() const { return quiet_; }
  GstPad* pad() const { return pad_; }

 private:
  friend class Mixer;
  GstPad* pad_ = nullptr;
  bool integers_ = false;
  bool active_ = false;
  bool push_ = true;
  bool rest_ = false;
  bool shared_ = false;
  bool shed_ = false;
  bool quiet_ = true;
  bool opened_ = false;
  bool used_ = false;  // the stock elements behind the pad hold something of another class
  bool own_curve_ = false;
  std::vector<MixTerm> terms_;
  std::vector<media::Q24Sum> bus_;
  std::vector<media::Q24Sum> tail_;
  std::span<float> mix_;
  std::vector<float> ring_;  // kHistory ticks
  std::size_t ring_at_ = 0;
  std::unique_ptr<media::Limiter> own_limiter_;
  BufferSlot buffer_;
};

class Mixer {
 public:
  static GType type();
  static Mixer& of(GstElement* element);
  static GstElement* make(Duration tick);

  MixInput& input(GstPad* pad);
  MixOutput& output(GstPad* pad);

  // Pushes the last `ticks` mixes of the class once more: brings the stock elements behind the pad to the
  // state of those of the class it follows.
  void replay(MixOutput& output, std::size_t ticks, std::uint64_t media_time);

  // What the class would have heard in the last ticks, had it not rested: whole ticks of its only talker.
  void rehearse(MixOutput& output, std::span<const float> sound);

  // One tick of all classes; `media_time` in 48 kHz samples. At `limit` by `clock` it stops coding: whoever
  // has not been served by then goes without in this tick, others in the next.
  void tick(std::uint64_t media_time, TimePoint (*clock)(), TimePoint limit);

  float limiter_gain() const;
  std::size_t samples_per_tick() const { return samples_; }

 private:
  friend struct MixGlue;
  explicit Mixer(GstElement* element);
  void set_samples(std::size_t samples);
  GstPad* add_input(GstPadTemplate* shape, const char* name);
  GstPad* add_output(GstPadTemplate* shape, const char* name);
  void remove(GstPad* pad);
  void chain(MixInput& input, GstBuffer* buffer);
  void sum_up(MixOutput& output);
  void render(MixOutput& output);
  void serve(MixOutput& output, std::uint64_t media_time, bool in_time);
  void push(MixOutput& output, std::span<const float> mix, bool gap, std::uint64_t media_time);

  GstElement* element_;
  std::size_t samples_ = 960;
  std::vector<std::unique_ptr<MixInput>> inputs_;
  std::vector<std::unique_ptr<MixOutput>> outputs_;
  std::vector<media::Q24Sum> total_;
  std::vector<MixInput*> fed_;
  std::unique_ptr<media::Limiter> limiter_;
  std::unique_ptr<media::Limiter> unity_;  // never measures anything
  std::vector<media::Q24> rehearsed_;
  std::uint64_t sums_ = 0;
  std::size_t first_ = 0;  // of the outputs, to be served
  guint names_ = 0;
};

}  // namespace parley::pipelines
