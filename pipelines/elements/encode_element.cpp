#include "pipelines/elements/encode_element.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "pipelines/elements/element_support.hpp"
#include "transport/base/check.hpp"

namespace parley::pipelines {
struct EncodeState;
}

struct ParleyEncode {
  GstElement parent;
  parley::pipelines::EncodeState* state;
};
struct ParleyEncodeClass {
  GstElementClass parent;
};

G_DEFINE_TYPE(ParleyEncode, parley_encode, GST_TYPE_ELEMENT)

namespace parley::pipelines {

struct EncodeState {
  GstPad* src = nullptr;
  Duration tick = 20ms;
  std::unique_ptr<media::ClassEncoder> encoder = std::make_unique<media::ClassEncoder>(tick);
  bool opened = false;
  BufferSlot buffer;
};

namespace {

EncodeState& state_of(gpointer object) {
  return *reinterpret_cast<ParleyEncode*>(object)->state;
}

GstFlowReturn chain(GstPad*, GstObject* parent, GstBuffer* pcm) {
  EncodeState& state = state_of(parent);
  Bytes packet;
  bool valid = true;
  {
    const MappedRead map(pcm);
    const auto samples = map.as<float>();
    valid = samples.size() == static_cast<std::size_t>(state.tick * 48 / 1ms);
    if (valid) {
      const bool gap = GST_BUFFER_FLAG_IS_SET(pcm, GST_BUFFER_FLAG_GAP);
      packet = gap ? state.encoder->encode_silence() : state.encoder->encode(samples);
    }
  }
  const guint64 media_time = GST_BUFFER_OFFSET_IS_VALID(pcm) ? GST_BUFFER_OFFSET(pcm) : 0;
  gst_buffer_unref(pcm);
  if (!valid) return GST_FLOW_ERROR;
  if (packet.empty()) return GST_FLOW_OK;

  GstBuffer* out = state.buffer.take(packet.size());
  {
    MappedWrite map(out);
    std::copy(packet.begin(), packet.end(), map.as<std::uint8_t>().begin());
  }
  stamp(out, media_time, static_cast<guint64>(state.tick * 48 / 1ms));
  if (!std::exchange(state.opened, true)) open_stream(state.src, kOpus);
  return gst_pad_push(state.src, gst_buffer_ref(out));
}

enum Property : guint { kTick = 1, kComplexity };

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  EncodeState& state = state_of(object);
  switch (id) {
    case kTick:
      state.tick = g_value_get_int(value) * 1ms;
      state.encoder = std::make_unique<media::ClassEncoder>(state.tick);
      state.encoder->start({}, 7);
      return;
    case kComplexity:
      state.encoder->set_complexity(g_value_get_int(value));
      return;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const EncodeState& state = state_of(object);
  switch (id) {
    case kTick:
      g_value_set_int(value, static_cast<gint>(state.tick / 1ms));
      return;
    case kComplexity:
      g_value_set_int(value, state.encoder->complexity());
      return;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void finalize(GObject* object) {
  delete reinterpret_cast<ParleyEncode*>(object)->state;
  G_OBJECT_CLASS(parley_encode_parent_class)->finalize(object);
}

}  // namespace

GType EncodeElement::type() {
  return parley_encode_get_type();
}

GstElement* EncodeElement::make(Duration tick) {
  return GST_ELEMENT(g_object_new(type(), "tick-ms", static_cast<gint>(tick / 1ms), nullptr));
}

media::ClassEncoder& EncodeElement::encoder(GstElement* element) {
  PARLEY_ASSERT(G_TYPE_CHECK_INSTANCE_TYPE(element, type()));
  return *state_of(element).encoder;
}

}  // namespace parley::pipelines

static void parley_encode_init(ParleyEncode* self) {
  using namespace parley::pipelines;
  self->state = new EncodeState;
  self->state->encoder->start({}, 7);
  auto* element_class = GST_ELEMENT_GET_CLASS(self);
  GstPad* sink = gst_pad_new_from_template(gst_element_class_get_pad_template(element_class, "sink"), "sink");
  gst_pad_set_chain_function(sink, chain);
  gst_pad_set_event_function(sink, swallow_event);
  gst_pad_set_query_function(sink, answer_query);
  gst_element_add_pad(GST_ELEMENT(self), sink);
  self->state->src =
      gst_pad_new_from_template(gst_element_class_get_pad_template(element_class, "src"), "src");
  gst_pad_set_query_function(self->state->src, answer_query);
  gst_element_add_pad(GST_ELEMENT(self), self->state->src);
}

static void parley_encode_class_init(ParleyEncodeClass* klass) {
  using namespace parley::pipelines;
  auto* object = G_OBJECT_CLASS(klass);
  object->finalize = finalize;
  object->set_property = set_property;
  object->get_property = get_property;
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(
      object, kTick, g_param_spec_int("tick-ms", "Tick", "Step of the room in ms", 10, 20, 20, flags));
  g_object_class_install_property(
      object, kComplexity, g_param_spec_int("complexity", "Complexity", "Opus complexity", 0, 10, 7, flags));
  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "Parley Opus encoder", "Codec/Encoder/Audio",
                                        "Opus for one mix class, with a state that can be copied", "Parley");
  static GstStaticPadTemplate sink =
      GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(kFloat48));
  static GstStaticPadTemplate src =
      GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(kOpus));
  gst_element_class_add_static_pad_template(element, &sink);
  gst_element_class_add_static_pad_template(element, &src);
}
