#include "pipelines/room_graph.hpp"

#include <algorithm>
#include <utility>

#include "transport/base/check.hpp"
#include "transport/base/log.hpp"

namespace parley::pipelines {

namespace {

constexpr auto kKeepFree = 10s;

// Nobody reads this bus: state changes alone would pile up twelve messages per join.
GstBusSyncReply drop_message(GstBus*, GstMessage* message, gpointer) {
  gst_message_unref(message);
  return GST_BUS_DROP;
}

template <typename Slot>
Slot* take_free(std::vector<Slot*>& free, Codec codec) {
  const auto found =
      std::find_if(free.rbegin(), free.rend(), [&](Slot* slot) { return slot->codec == codec; });
  if (found == free.rend()) return nullptr;
  Slot* slot = *found;
  free.erase(std::next(found).base());
  return slot;
}

GstElement* stock(const char* name) {
  GstElement* element = gst_element_factory_make(name, nullptr);
  if (element == nullptr) log::error("GStreamer element {} is missing: G.711 legs stay silent", name);
  return element;
}

}  // namespace

RoomGraph::RoomGraph(const std::string& name, Duration tick, FrameSink& sink) : tick_(tick) {
  pipeline_ = gst_pipeline_new(("room-" + name).c_str());
  gst_object_ref_sink(pipeline_);
  GstBus* bus = gst_element_get_bus(pipeline_);
  gst_bus_set_sync_handler(bus, drop_message, nullptr, nullptr);
  gst_object_unref(bus);
  mix_element_ = Mixer::make(tick);
  outlet_element_ = Outlet::make(tick, sink);
  mixer_ = &Mixer::of(mix_element_);
  outlet_ = &Outlet::of(outlet_element_);
  gst_bin_add_many(GST_BIN(pipeline_), mix_element_, outlet_element_, nullptr);
  gst_element_set_state(pipeline_, GST_STATE_PLAYING);
}

RoomGraph::~RoomGraph() {
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  gst_object_unref(pipeline_);
}

TalkerSlot* RoomGraph::take_talker(Codec codec) {
  if (TalkerSlot* free = take_free(free_talkers_, codec)) return free;
  auto slot = std::make_unique<TalkerSlot>();
  slot->codec = codec;
  if (!build(*slot)) return nullptr;
  return talkers_.emplace_back(std::move(slot)).get();
}

ClassSlot* RoomGraph::take_class(Codec codec) {
  ClassSlot* slot = take_free(free_classes_, codec);
  if (slot == nullptr) {
    auto made = std::make_unique<ClassSlot>();
    made->codec = codec;
    if (!build(*made)) return nullptr;
    slot = classes_.emplace_back(std::move(made)).get();
  }
  slot->mix->start();
  return slot;
}

void RoomGraph::give_back(TalkerSlot* slot, TimePoint at) {
  slot->organ->set_receiver(nullptr);
  slot->free_since = at;
  free_talkers_.push_back(slot);
}

void RoomGraph::give_back(ClassSlot* slot, TimePoint at) {
  slot->mix->stop();
  slot->outlet->reset();
  slot->free_since = at;
  free_classes_.push_back(slot);
}

bool RoomGraph::has_free_talker(Codec codec) const {
  return std::any_of(free_talkers_.begin(), free_talkers_.end(),
                     [&](auto* slot) { return slot->codec == codec; });
}

bool RoomGraph::has_free_class(Codec codec) const {
  return std::any_of(free_classes_.begin(), free_classes_.end(),
                     [&](auto* slot) { return slot->codec == codec; });
}

void RoomGraph::trim(TimePoint at) {
  // The least recently used slot stands in front: take_free() looks from the back.
  if (!free_talkers_.empty() && at - free_talkers_.front()->free_since >= kKeepFree) {
    TalkerSlot* slot = free_talkers_.front();
    free_talkers_.erase(free_talkers_.begin());
    GstPad* pad = slot->input->pad();
    destroy(slot->elements);
    gst_element_release_request_pad(mix_element_, pad);
    std::erase_if(talkers_, [&](const auto& owned) { return owned.get() == slot; });
  } else if (!free_classes_.empty() && at - free_classes_.front()->free_since >= kKeepFree) {
    ClassSlot* slot = free_classes_.front();
    free_classes_.erase(free_classes_.begin());
    GstPad* source = slot->mix->pad();
    GstPad* sink = slot->outlet->pad();
    destroy(slot->elements);
    gst_element_release_request_pad(mix_element_, source);
    gst_element_release_request_pad(outlet_element_, sink);
    std::erase_if(classes_, [&](const auto& owned) { return owned.get() == slot; });
  }
}

bool RoomGraph::add_chain(std::vector<GstElement*>& elements) {
  if (std::find(elements.begin(), elements.end(), nullptr) != elements.end()) {
    for (GstElement* element : elements) {
      if (element != nullptr) gst_object_unref(gst_object_ref_sink(element));
    }
    elements.clear();
    return false;
  }
  for (GstElement* element : elements) gst_bin_add(GST_BIN(pipeline_), element);
  for (std::size_t i = 1; i < elements.size(); ++i) {
    const bool linked = gst_element_link_pads_full(elements[i - 1], "src", elements[i], "sink",
                                                   GST_PAD_LINK_CHECK_NOTHING) != FALSE;
    PARLEY_ASSERT(linked);
  }
  return true;
}

bool RoomGraph::build(TalkerSlot& slot) {
  slot.elements.push_back(ReceiveElement::make(slot.codec));
  slot.organ = &ReceiveElement::of(slot.elements.front());
  if (slot.codec != Codec::opus) slot.elements.push_back(stock("audioresample"));
  if (!add_chain(slot.elements)) return false;
  GstPad* sink = gst_element_request_pad_simple(mix_element_, "sink_%u");
  GstPad* last = gst_element_get_static_pad(slot.elements.back(), "src");
  const GstPadLinkReturn linked = gst_pad_link_full(last, sink, GST_PAD_LINK_CHECK_NOTHING);
  PARLEY_ASSERT(linked == GST_PAD_LINK_OK);
  slot.input = &mixer_->input(sink);
  gst_object_unref(last);
  gst_object_unref(sink);
  for (auto element = slot.elements.rbegin(); element != slot.elements.rend(); ++element) {
    gst_element_sync_state_with_parent(*element);
  }
  return true;
}

bool RoomGraph::build(ClassSlot& slot) {
  if (slot.codec == Codec::opus) {
    slot.elements.push_back(EncodeElement::make(tick_));
    slot.encoder = &EncodeElement::encoder(slot.elements.front());
  } else {
    slot.elements.push_back(stock("audioresample"));
    slot.elements.push_back(stock(slot.codec == Codec::pcmu ? "mulawenc" : "alawenc"));
  }
  if (!add_chain(slot.elements)) return false;
  const bool opus = slot.codec == Codec::opus;
  GstPad* source = gst_element_request_pad_simple(mix_element_, opus ? "src_%u" : "s16_%u");
  GstPad* sink = gst_element_request_pad_simple(outlet_element_, opus                        ? "opus_%u"
                                                                 : slot.codec == Codec::pcmu ? "pcmu_%u"
                                                                                             : "pcma_%u");
  GstPad* first = gst_element_get_static_pad(slot.elements.front(), "sink");
  GstPad* last = gst_element_get_static_pad(slot.elements.back(), "src");
  const bool linked = gst_pad_link_full(last, sink, GST_PAD_LINK_CHECK_NOTHING) == GST_PAD_LINK_OK &&
                      gst_pad_link_full(source, first, GST_PAD_LINK_CHECK_NOTHING) == GST_PAD_LINK_OK;
  PARLEY_ASSERT(linked);
  slot.mix = &mixer_->output(source);
  slot.outlet = &outlet_->pad(sink);
  for (GstPad* pad : {source, sink, first, last}) gst_object_unref(pad);
  for (auto element = slot.elements.rbegin(); element != slot.elements.rend(); ++element) {
    gst_element_sync_state_with_parent(*element);
  }
  return true;
}

void RoomGraph::destroy(std::vector<GstElement*>& elements) {
  for (GstElement* element : elements) {
    gst_element_set_state(element, GST_STATE_NULL);
    gst_bin_remove(GST_BIN(pipeline_), element);
  }
  elements.clear();
}

std::string RoomGraph::dot() const {
  gchar* data = gst_debug_bin_to_dot_data(
      GST_BIN(pipeline_),
      static_cast<GstDebugGraphDetails>(GST_DEBUG_GRAPH_SHOW_MEDIA_TYPE | GST_DEBUG_GRAPH_SHOW_STATES));
  std::string dot(data != nullptr ? data : "");
  g_free(data);
  return dot;
}

}  // namespace parley::pipelines
