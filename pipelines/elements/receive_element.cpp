#include "pipelines/elements/receive_element.hpp"

#include <algorithm>

#include "pipelines/elements/element_support.hpp"
#include "transport/base/check.hpp"

struct ParleyReceive {
  GstElement parent;
  parley::pipelines::ReceiveElement* core;
  gint codec;
};
struct ParleyReceiveClass {
  GstElementClass parent;
};

G_DEFINE_TYPE(ParleyReceive, parley_receive, GST_TYPE_ELEMENT)

namespace parley::pipelines {

struct ReceiveElement::State {
  GstPad* src = nullptr;
  media::Receiver* receiver = nullptr;
  Codec codec = Codec::opus;
  BufferSlot buffer;
};

struct ReceiveGlue {
  enum Property : guint { kCodec = 1 };

  static void init(ParleyReceive* self) {
    GstPadTemplate* shape = gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(self), "src");
    GstPad* src = gst_pad_new_from_template(shape, "src");
    gst_pad_use_fixed_caps(src);
    gst_element_add_pad(GST_ELEMENT(self), src);
    self->core = new ReceiveElement(src);
  }
  static void finalize(GObject* object) {
    delete reinterpret_cast<ParleyReceive*>(object)->core;
    G_OBJECT_CLASS(parley_receive_parent_class)->finalize(object);
  }
  static void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    if (id != kCodec) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      return;
    }
    reinterpret_cast<ParleyReceive*>(object)->core->state_->codec =
        static_cast<Codec>(g_value_get_int(value));
  }
  static void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    if (id != kCodec) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      return;
    }
    g_value_set_int(value, static_cast<gint>(reinterpret_cast<ParleyReceive*>(object)->core->state_->codec));
  }
  static void class_init(ParleyReceiveClass* klass) {
    auto* object = G_OBJECT_CLASS(klass);
    object->finalize = finalize;
    object->set_property = set_property;
    object->get_property = get_property;
    g_object_class_install_property(
        object, kCodec,
        g_param_spec_int("codec", "Codec", "Codec received: 0 Opus (48 kHz), 1 PCMU, 2 PCMA (8 kHz)", 0, 2, 0,
                         static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS)));
    auto* element = GST_ELEMENT_CLASS(klass);
    gst_element_class_set_static_metadata(
        element, "Parley receive organ", "Source/Audio",
        "Jitter buffer, decoder, concealment and time-stretcher of one leg, "
        "pulled once per tick by its room",
        "Parley");
    static GstStaticPadTemplate src = GST_STATIC_PAD_TEMPLATE(
        "src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS("audio/x-raw, format=(string)F32LE, rate=(int){ 48000, 8000 }, channels=(int)1, "
                        "layout=(string)interleaved"));
    gst_element_class_add_static_pad_template(element, &src);
  }
};

ReceiveElement::ReceiveElement(GstPad* src) : state_(new State) {
  state_->src = src;
}

ReceiveElement::~ReceiveElement() {
  delete state_;
}

GType ReceiveElement::type() {
  return parley_receive_get_type();
}

ReceiveElement& ReceiveElement::of(GstElement* element) {
  PARLEY_ASSERT(G_TYPE_CHECK_INSTANCE_TYPE(element, type()));
  return *reinterpret_cast<ParleyReceive*>(element)->core;
}

GstElement* ReceiveElement::make(Codec codec) {
  return GST_ELEMENT(g_object_new(type(), "codec", static_cast<gint>(codec), nullptr));
}

void ReceiveElement::set_receiver(media::Receiver* receiver) {
  state_->receiver = receiver;
  if (receiver == nullptr) return;
  PARLEY_ASSERT(receiver->output_rate() == (state_->codec == Codec::opus ? 48'000U : 8'000U));
  reopen_stream(state_->src, state_->codec == Codec::opus ? kFloat48 : kFloat8);
}

media::Pulled ReceiveElement::pull(TimePoint at, std::uint64_t media_time) {
  PARLEY_ASSERT(state_->receiver != nullptr);
  const std::size_t samples = state_->receiver->samples_per_tick();
  GstBuffer* buffer = state_->buffer.take(samples * sizeof(float));
  media::Pulled pulled;
  {
    MappedWrite map(buffer);
    pulled = state_->receiver->pull(at, map.as<float>());
  }
  const bool narrow = state_->codec != Codec::opus;
  stamp(buffer, media_time, narrow ? samples * 6 : samples);
  gst_pad_push(state_->src, gst_buffer_ref(buffer));
  return pulled;
}

void ReceiveElement::push(std::span<const float> samples, std::uint64_t media_time) {
  GstBuffer* buffer = state_->buffer.take(samples.size_bytes());
  {
    MappedWrite map(buffer);
    std::copy(samples.begin(), samples.end(), map.as<float>().begin());
  }
  stamp(buffer, media_time, samples.size());
  gst_pad_push(state_->src, gst_buffer_ref(buffer));
}

}  // namespace parley::pipelines

static void parley_receive_init(ParleyReceive* self) {
  parley::pipelines::ReceiveGlue::init(self);
}
static void parley_receive_class_init(ParleyReceiveClass* klass) {
  parley::pipelines::ReceiveGlue::class_init(klass);
}
