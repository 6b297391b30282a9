#include "pipelines/elements/mix_element.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "transport/base/check.hpp"

struct ParleyMix {
  GstElement parent;
  parley::pipelines::Mixer* core;
};
struct ParleyMixClass {
  GstElementClass parent;
};

G_DEFINE_TYPE(ParleyMix, parley_mix, GST_TYPE_ELEMENT)

namespace parley::pipelines {

namespace {

constexpr std::size_t kFadeIn = 120;  // 2.5 ms: no click, and an onset keeps its shape

void add_scaled(std::span<media::Q24Sum> bus, std::span<const media::Q24> part, float from, float to) {
  const double step = (static_cast<double>(to) - from) / static_cast<double>(bus.size());
  for (std::size_t i = 0; i < bus.size(); ++i) {
    bus[i] += std::llrint(part[i] * (from + step * static_cast<double>(i + 1)));
  }
}

bool all_zero(std::span<const media::Q24Sum> samples) {
  return std::all_of(samples.begin(), samples.end(), [](media::Q24Sum sample) { return sample == 0; });
}

float root_mean_square(std::span<const float> samples) {
  float sum = 0;
  for (const float sample : samples) sum += sample * sample;
  return std::sqrt(sum / static_cast<float>(samples.size()));
}

bool plain(const MixTerm& term) {
  return term.from == 1.0F && term.to == 1.0F;
}

}  // namespace

void MixInput::start(float gain) {
  gain_ = gain_to_ = gain;
  fresh_ = true;
  fed_ = false;
  waiting_.clear();
}

// A block of any size from the resampler, or exactly one tick from a decoder. What the resampler still holds
// back of the first tick is made up with silence in front, once; from then on the blocks add up to ticks.
void MixInput::take(std::span<const float> samples) {
  if (waiting_.empty() && samples.size() == part_.size()) return convert(samples);
  if (waiting_.size() < 4 * part_.size()) waiting_.insert(waiting_.end(), samples.begin(), samples.end());
  if (waiting_.size() < part_.size()) waiting_.insert(waiting_.begin(), part_.size() - waiting_.size(), 0.0F);
  convert(std::span(waiting_).first(part_.size()));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(part_.size()));
}

void MixInput::convert(std::span<const float> samples) {
  rms_ = root_mean_square(samples);
  samples_.assign(samples.begin(), samples.end());
  std::span<media::Q24> out(part_);
  if (std::exchange(fresh_, false)) {
    media::to_q24(samples.first(kFadeIn), 0.0F, gain_, out.first(kFadeIn));
    samples = samples.subspan(kFadeIn);
    out = out.subspan(kFadeIn);
  }
  media::to_q24(samples, gain_, gain_to_, out);
  gain_ = gain_to_;
  fed_ = true;
}

void MixOutput::follow(const MixOutput& other) {
  tail_ = other.tail_;
  ring_ = other.ring_;
  ring_at_ = other.ring_at_;
  quiet_ = other.quiet_;
  rest_ = other.rest_;
  mix_ = std::span(ring_).subspan(ring_at_ * bus_.size(), bus_.size());
}

void MixOutput::start() {
  terms_.clear();
  std::fill(tail_.begin(), tail_.end(), 0);
  std::fill(ring_.begin(), ring_.end(), 0.0F);
  active_ = push_ = quiet_ = true;
  rest_ = false;
  // Our encoder forgets by its own start(); stock elements need the stream opened anew.
  if (integers_) opened_ = false;
}

void MixOutput::stop() {
  terms_.clear();
  active_ = false;
}

std::span<const float> MixOutput::history(std::size_t ticks_ago) const {
  PARLEY_ASSERT(ticks_ago < kHistory);
  const std::size_t at = (ring_at_ + kHistory - ticks_ago) % kHistory;
  return std::span(ring_).subspan(at * bus_.size(), bus_.size());
}

struct MixGlue {
  enum Property : guint { kTick = 1 };

  static Mixer& core(gpointer object) { return *reinterpret_cast<ParleyMix*>(object)->core; }

  static void init(ParleyMix* self) { self->core = new Mixer(GST_ELEMENT(self)); }
  static void finalize(GObject* object) {
    delete reinterpret_cast<ParleyMix*>(object)->core;
    G_OBJECT_CLASS(parley_mix_parent_class)->finalize(object);
  }
  static void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    if (id != kTick) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      return;
    }
    core(object).set_samples(static_cast<std::size_t>(g_value_get_int(value)) * 48);
  }
  static void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    if (id != kTick) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      return;
    }
    g_value_set_int(value, static_cast<gint>(core(object).samples_ / 48));
  }
  static GstPad* request(GstElement* element, GstPadTemplate* shape, const gchar* name, const GstCaps*) {
    const bool sink = GST_PAD_TEMPLATE_DIRECTION(shape) == GST_PAD_SINK;
    return sink ? core(element).add_input(shape, name) : core(element).add_output(shape, name);
  }
  static void release(GstElement* element, GstPad* pad) { core(element).remove(pad); }
  static GstFlowReturn chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
    auto* input = static_cast<MixInput*>(gst_pad_get_element_private(pad));
    core(parent).chain(*input, buffer);
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  static void class_init(ParleyMixClass* klass) {
    auto* object = G_OBJECT_CLASS(klass);
    object->finalize = finalize;
    object->set_property = set_property;
    object->get_property = get_property;
    g_object_class_install_property(
        object, kTick,
        g_param_spec_int("tick-ms", "Tick", "Step of the room in ms", 10, 20, 20,
                         static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS)));
    auto* element = GST_ELEMENT_CLASS(klass);
    element->request_new_pad = request;
    element->release_pad = release;
    gst_element_class_set_static_metadata(
        element, "Parley mixer", "Generic/Audio",
        "Total minus self for every mix class of a room, on one explicit tick", "Parley");
    static GstStaticPadTemplate sink =
        GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(kFloat48));
    static GstStaticPadTemplate src =
        GST_STATIC_PAD_TEMPLATE("src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS(kFloat48));
    static GstStaticPadTemplate s16 =
        GST_STATIC_PAD_TEMPLATE("s16_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS(kInt48));
    gst_element_class_add_static_pad_template(element, &sink);
    gst_element_class_add_static_pad_template(element, &src);
    gst_element_class_add_static_pad_template(element, &s16);
  }
};

Mixer::Mixer(GstElement* element) : element_(element) {
  set_samples(960);
}

GType Mixer::type() {
  return parley_mix_get_type();
}

Mixer& Mixer::of(GstElement* element) {
  PARLEY_ASSERT(G_TYPE_CHECK_INSTANCE_TYPE(element, type()));
  return *reinterpret_cast<ParleyMix*>(element)->core;
}

GstElement* Mixer::make(Duration tick) {
  return GST_ELEMENT(g_object_new(type(), "tick-ms", static_cast<gint>(tick / 1ms), nullptr));
}

void Mixer::set_samples(std::size_t samples) {
  samples_ = samples;
  total_.assign(samples, 0);
  limiter_ = std::make_unique<media::Limiter>(samples);
  unity_ = std::make_unique<media::Limiter>(samples);
  rehearsed_.assign(samples, 0);
}

MixInput& Mixer::input(GstPad* pad) {
  return *static_cast<MixInput*>(gst_pad_get_element_private(pad));
}

MixOutput& Mixer::output(GstPad* pad) {
  return *static_cast<MixOutput*>(gst_pad_get_element_private(pad));
}

GstPad* Mixer::add_input(GstPadTemplate* shape, const char* name) {
  auto input = std::make_unique<MixInput>();
  gchar* made = name != nullptr ? g_strdup(name) : g_strdup_printf("sink_%u", names_++);
  GstPad* pad = gst_pad_new_from_template(shape, made);
  g_free(made);
  gst_pad_set_chain_function(pad, MixGlue::chain);
  gst_pad_set_event_function(pad, swallow_event);
  gst_pad_set_query_function(pad, answer_query);
  gst_pad_set_element_private(pad, input.get());
  input->pad_ = pad;
  input->part_.assign(samples_, 0);
  input->samples_.assign(samples_, 0.0F);
  inputs_.push_back(std::move(input));
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element_, pad);
  return pad;
}

GstPad* Mixer::add_output(GstPadTemplate* shape, const char* name) {
  auto output = std::make_unique<MixOutput>();
  output->integers_ = g_str_has_prefix(GST_PAD_TEMPLATE_NAME_TEMPLATE(shape), "s16");
  gchar* made =
      name != nullptr ? g_strdup(name) : g_strdup_printf(GST_PAD_TEMPLATE_NAME_TEMPLATE(shape), names_++);
  GstPad* pad = gst_pad_new_from_template(shape, made);
  g_free(made);
  gst_pad_set_query_function(pad, answer_query);
  gst_pad_set_element_private(pad, output.get());
  output->pad_ = pad;
  output->bus_.assign(samples_, 0);
  output->tail_.assign(media::Limiter::kLookAhead, 0);
  output->ring_.assign(samples_ * MixOutput::kHistory, 0.0F);
  output->mix_ = std::span(output->ring_).first(samples_);
  outputs_.push_back(std::move(output));
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element_, pad);
  return pad;
}

void Mixer::remove(GstPad* pad) {
  gst_pad_set_active(pad, FALSE);
  std::erase_if(inputs_, [&](const auto& input) { return input->pad_ == pad; });
  std::erase_if(outputs_, [&](const auto& output) { return output->pad_ == pad; });
  gst_element_remove_pad(element_, pad);
}

void Mixer::chain(MixInput& input, GstBuffer* buffer) {
  const MappedRead map(buffer);
  input.take(map.as<float>());
}

void Mixer::tick(std::uint64_t media_time, TimePoint (*clock)(), TimePoint limit) {
  fed_.clear();
  std::fill(total_.begin(), total_.end(), 0);
  for (const auto& input : inputs_) {
    if (!input->fed_) continue;
    fed_.push_back(input.get());
    media::add(total_, input->part_);
  }
  limiter_->begin();
  limiter_->measure(total_);
  for (const auto& output : outputs_) {
    if (!output->active_ || output->rest_) continue;
    sum_up(*output);
    if (!output->own_curve_) limiter_->measure(output->bus_);
  }
  limiter_->finish();
  for (const auto& output : outputs_) {
    if (output->shared_) serve(*output, media_time, true);
  }
  if (first_ >= outputs_.size()) first_ = 0;
  for (std::size_t i = 0, at = first_; i < outputs_.size(); ++i, at = at + 1 < outputs_.size() ? at + 1 : 0) {
    if (outputs_[at]->shared_) continue;
    const bool in_time = clock() < limit;
    serve(*outputs_[at], media_time, in_time);
    if (in_time) first_ = at + 1;
  }
  for (MixInput* input : fed_) input->fed_ = false;
}

void Mixer::serve(MixOutput& output, std::uint64_t media_time, bool in_time) {
  output.shed_ = false;
  if (!output.active_ || output.rest_) return;
  render(output);
  output.shed_ = output.push_ && !in_time && !output.quiet_;
  if (output.push_ && !output.shed_) push(output, output.mix_, output.quiet_, media_time);
}

void Mixer::sum_up(MixOutput& output) {
  const auto& terms = output.terms_;
  output.own_curve_ = std::any_of(terms.begin(), terms.end(),
                                  [](const MixTerm& term) { return term.from > 1.0F || term.to > 1.0F; });
  const bool all_plain = std::all_of(terms.begin(), terms.end(), plain);
  std::span<media::Q24Sum> bus(output.bus_);
  if (all_plain && fed_.size() < 2 * terms.size()) {
    std::copy(total_.begin(), total_.end(), bus.begin());
    ++sums_;
    for (const MixTerm& term : terms) term.input->heard_ = sums_;
    for (const MixInput* input : fed_) {
      if (input->heard_ != sums_) media::subtract(bus, input->part_);
    }
    return;
  }
  std::fill(bus.begin(), bus.end(), 0);
  for (const MixTerm& term : terms) {
    if (!term.input->fed_) continue;
    if (plain(term)) {
      media::add(bus, term.input->part_);
    } else {
      add_scaled(bus, term.input->part_, term.from, term.to);
    }
  }
}

void Mixer::render(MixOutput& output) {
  output.ring_at_ = (output.ring_at_ + 1) % MixOutput::kHistory;
  output.mix_ = std::span(output.ring_).subspan(output.ring_at_ * samples_, samples_);
  output.quiet_ = output.terms_.empty() && all_zero(output.tail_);
  if (output.quiet_) {
    std::fill(output.mix_.begin(), output.mix_.end(), 0.0F);
  } else if (output.own_curve_) {
    if (!output.own_limiter_) output.own_limiter_ = std::make_unique<media::Limiter>(samples_);
    output.own_limiter_->begin();
    output.own_limiter_->measure(output.bus_);
    output.own_limiter_->finish();
    output.own_limiter_->apply(output.bus_, output.tail_, output.mix_);
  } else {
    output.own_limiter_.reset();
    limiter_->apply(output.bus_, output.tail_, output.mix_);
  }
  for (MixTerm& term : output.terms_) term.from = term.to;
}

void Mixer::push(MixOutput& output, std::span<const float> mix, bool gap, std::uint64_t media_time) {
  GstBuffer* buffer = output.buffer_.take(samples_ * (output.integers_ ? sizeof(gint16) : sizeof(float)));
  {
    MappedWrite map(buffer);
    if (output.integers_) {
      std::transform(mix.begin(), mix.end(), map.as<gint16>().begin(), [](float sample) {
        return static_cast<gint16>(std::lrint(std::clamp(sample, -1.0F, 1.0F) * 32'767.0F));
      });
    } else {
      std::copy(mix.begin(), mix.end(), map.as<float>().begin());
    }
  }
  // Stock elements may skip what is flagged as a gap; G.711 is a continuous stream.
  if (gap && !output.integers_) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
  stamp(buffer, media_time, samples_);
  if (!std::exchange(output.opened_, true)) {
    (output.used_ ? reopen_stream : open_stream)(output.pad_, output.integers_ ? kInt48 : kFloat48);
    output.used_ = true;
  }
  gst_pad_push(output.pad_, gst_buffer_ref(buffer));
}

void Mixer::rehearse(MixOutput& output, std::span<const float> sound) {
  for (; sound.size() >= samples_; sound = sound.subspan(samples_)) {
    media::to_q24(sound.first(samples_), 1.0F, 1.0F, rehearsed_);
    std::copy(rehearsed_.begin(), rehearsed_.end(), output.bus_.begin());
    output.ring_at_ = (output.ring_at_ + 1) % MixOutput::kHistory;
    output.mix_ = std::span(output.ring_).subspan(output.ring_at_ * samples_, samples_);
    unity_->apply(output.bus_, output.tail_, output.mix_);
  }
}

void Mixer::replay(MixOutput& output, std::size_t ticks, std::uint64_t media_time) {
  for (std::size_t ago = ticks; ago-- > 0;) {
    push(output, output.history(ago), false,
         media_time - std::min<std::uint64_t>(media_time, (ago + 1) * samples_));
  }
}

float Mixer::limiter_gain() const {
  return limiter_->lowest_gain();
}

}  // namespace parley::pipelines

static void parley_mix_init(ParleyMix* self) {
  parley::pipelines::MixGlue::init(self);
}
static void parley_mix_class_init(ParleyMixClass* klass) {
  parley::pipelines::MixGlue::class_init(klass);
}
