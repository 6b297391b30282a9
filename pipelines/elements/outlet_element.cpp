#include "pipelines/elements/outlet_element.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/elements/element_support.hpp"
#include "transport/base/check.hpp"

struct ParleyOutlet {
  GstElement parent;
  parley::pipelines::Outlet* core;
};
struct ParleyOutletClass {
  GstElementClass parent;
};

G_DEFINE_TYPE(ParleyOutlet, parley_outlet, GST_TYPE_ELEMENT)

namespace parley::pipelines {

namespace {
constexpr std::uint64_t kRefresh =
    48 * 400;  // a NetEQ-like receiver conceals when it hears of nobody for longer
constexpr std::size_t kDtxBytes = 2;
}  // namespace

void OutletPad::reset() {
  legs_.clear();
  contributors_.clear();
  waiting_.clear();
  quiet_ = true;
  sent_sound_ = discard_ = false;
  holes_ = 0;
}

void OutletPad::follow(const OutletPad& other) {
  quiet_ = other.quiet_;
  toc_ = other.toc_;
  last_packet_ = other.last_packet_;
  holes_ = other.holes_;
}

struct OutletGlue {
  static Outlet& core(gpointer object) { return *reinterpret_cast<ParleyOutlet*>(object)->core; }

  static void init(ParleyOutlet* self) { self->core = new Outlet(GST_ELEMENT(self)); }
  static void configure(Outlet& outlet, Duration tick, FrameSink& sink) {
    outlet.sink_ = &sink;
    outlet.g711_bytes_ = static_cast<std::size_t>(tick * 8 / 1ms);
  }
  static void finalize(GObject* object) {
    delete reinterpret_cast<ParleyOutlet*>(object)->core;
    G_OBJECT_CLASS(parley_outlet_parent_class)->finalize(object);
  }
  static GstPad* request(GstElement* element, GstPadTemplate* shape, const gchar* name, const GstCaps*) {
    return core(element).add(shape, name);
  }
  static void release(GstElement* element, GstPad* pad) { core(element).remove(pad); }
  static GstFlowReturn chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
    core(parent).chain(*static_cast<OutletPad*>(gst_pad_get_element_private(pad)), buffer);
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  static void class_init(ParleyOutletClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = finalize;
    auto* element = GST_ELEMENT_CLASS(klass);
    element->request_new_pad = request;
    element->release_pad = release;
    gst_element_class_set_static_metadata(element, "Parley outlet", "Sink/Network",
                                          "Hands each mix class's packets and the legs that take them to the "
                                          "transport",
                                          "Parley");
    static GstStaticPadTemplate opus =
        GST_STATIC_PAD_TEMPLATE("opus_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(kOpus));
    static GstStaticPadTemplate pcmu =
        GST_STATIC_PAD_TEMPLATE("pcmu_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(kPcmu));
    static GstStaticPadTemplate pcma =
        GST_STATIC_PAD_TEMPLATE("pcma_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(kPcma));
    gst_element_class_add_static_pad_template(element, &opus);
    gst_element_class_add_static_pad_template(element, &pcmu);
    gst_element_class_add_static_pad_template(element, &pcma);
  }
};

GType Outlet::type() {
  return parley_outlet_get_type();
}

Outlet& Outlet::of(GstElement* element) {
  PARLEY_ASSERT(G_TYPE_CHECK_INSTANCE_TYPE(element, type()));
  return *reinterpret_cast<ParleyOutlet*>(element)->core;
}

GstElement* Outlet::make(Duration tick, FrameSink& sink) {
  auto* element = GST_ELEMENT(g_object_new(type(), nullptr));
  OutletGlue::configure(of(element), tick, sink);
  return element;
}

OutletPad& Outlet::pad(GstPad* pad) {
  return *static_cast<OutletPad*>(gst_pad_get_element_private(pad));
}

GstPad* Outlet::add(GstPadTemplate* shape, const char* name) {
  auto entry = std::make_unique<OutletPad>();
  const char* shape_name = GST_PAD_TEMPLATE_NAME_TEMPLATE(shape);
  entry->codec_ = g_str_has_prefix(shape_name, "pcmu")   ? Codec::pcmu
                  : g_str_has_prefix(shape_name, "pcma") ? Codec::pcma
                                                         : Codec::opus;
  gchar* made = name != nullptr ? g_strdup(name) : g_strdup_printf(shape_name, names_++);
  GstPad* pad = gst_pad_new_from_template(shape, made);
  g_free(made);
  gst_pad_set_chain_function(pad, OutletGlue::chain);
  gst_pad_set_event_function(pad, swallow_event);
  gst_pad_set_query_function(pad, answer_query);
  gst_pad_set_element_private(pad, entry.get());
  entry->pad_ = pad;
  pads_.push_back(std::move(entry));
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element_, pad);
  return pad;
}

void Outlet::remove(GstPad* pad) {
  gst_pad_set_active(pad, FALSE);
  std::erase_if(pads_, [&](const auto& entry) { return entry->pad_ == pad; });
  gst_element_remove_pad(element_, pad);
}

void Outlet::begin(std::uint64_t media_time) {
  media_time_ = media_time;
  for (const auto& pad : pads_) pad->sent_sound_ = false;
}

void Outlet::chain(OutletPad& pad, GstBuffer* buffer) {
  const MappedRead map(buffer);
  const auto bytes = map.as<std::uint8_t>();
  if (pad.codec_ == Codec::opus) return send(pad, bytes, false);
  pad.waiting_.insert(pad.waiting_.end(), bytes.begin(), bytes.end());
  while (pad.waiting_.size() >= g711_bytes_) {
    send(pad, Bytes(pad.waiting_).first(g711_bytes_), false);
    pad.waiting_.erase(pad.waiting_.begin(), pad.waiting_.begin() + static_cast<std::ptrdiff_t>(g711_bytes_));
  }
}

void Outlet::forward(OutletPad& pad, Bytes payload) {
  // Some senders send every empty packet of a pause; one every 400 ms says the same.
  const bool again = payload.size() <= kDtxBytes && pad.quiet_;
  if (again && media_time_ - pad.last_packet_ < kRefresh) return;
  send(pad, payload, true);
}

void Outlet::pause(OutletPad& pad) {
  if (media_time_ - pad.last_packet_ < kRefresh) return;
  const std::uint8_t empty = pad.toc_ & 0xFC;  // one frame of no bytes, RFC 6716 section 3.2.1
  send(pad, Bytes(&empty, 1), true);
}

void Outlet::send(OutletPad& pad, Bytes payload, bool forwarded) {
  if (pad.discard_ || sink_ == nullptr || payload.empty()) return;
  const bool sound = pad.codec_ != Codec::opus || payload.size() > kDtxBytes;
  OutboundFrame frame;
  frame.payload = payload;
  frame.codec = pad.codec_;
  frame.media_time = media_time_;
  frame.marker = sound && pad.quiet_;
  frame.forwarded = forwarded;
  frame.holes_before = std::exchange(pad.holes_, std::uint16_t{0});
  frame.contributors = pad.contributors_;
  frame.legs = pad.legs_;
  pad.quiet_ = !sound;
  pad.sent_sound_ |= sound;
  pad.toc_ = payload.front();
  pad.last_packet_ = media_time_;
  if (!pad.legs_.empty()) sink_->on_frame(frame);
}

}  // namespace parley::pipelines

static void parley_outlet_init(ParleyOutlet* self) {
  parley::pipelines::OutletGlue::init(self);
}
static void parley_outlet_class_init(ParleyOutletClass* klass) {
  parley::pipelines::OutletGlue::class_init(klass);
}
