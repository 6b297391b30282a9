// A call of five that is recorded, in virtual time: senders' clocks drift, packets are lost, late and left
// out (DTX), people come, go and are muted. Everybody clicks at times that are known; where do the clicks
// stand in the files? PARLEY_MINUTES sets the length of the call (default 1).
#include <gtest/gtest.h>
#include <opus/opus.h>

#include <cmath>
#include <cstdlib>
#include <future>
#include <map>

#include "mcu/recording/recorder.hpp"
#include "pipelines/mix_taps.hpp"
#include "pipelines/room_pipeline.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/mcu/recording/support.hpp"
#include "tests/unit/pipelines/recorder/memory_file.hpp"

namespace parley::recording {
namespace {

constexpr double kRate = 48'000;
constexpr std::size_t kFrame = 960;
constexpr double kClickEvery = 5, kClickLong = 0.06;  // seconds

std::atomic<TimePoint> virtual_now;
TimePoint virtual_clock() {
  return virtual_now;
}

struct NoEvents final : RecorderEvents {
  void on_finished(const Manifest& manifest) override { finished.set_value(manifest); }
  void on_progress(const Manifest&) override {}
  void on_trouble(const Manifest&, bool) override {}
  void on_disk_low() override {}
  std::promise<Manifest> finished;
};

// Speech with pauses, and clicks: short tones of a pitch of its own.
class Speaker {
 public:
  Speaker(int number, double ppm, double first_click)
      : hz_(1'900 + 450 * number), speed_(1 + ppm * 1e-6), first_click_(first_click), random_(number + 1) {
    speech_ = test::speech(
        17 + number, static_cast<std::uint32_t>(number + 1),
        {.pitch_hz = 90.0 + 20 * number, .level_dbfs = -34, .pause_seconds = 0.8, .noise_dbfs = -200});
    int error = 0;
    encoder_ = opus_encoder_create(48'000, 1, OPUS_APPLICATION_VOIP, &error);
    opus_encoder_ctl(encoder_, OPUS_SET_BITRATE(32'000));
    opus_encoder_ctl(encoder_, OPUS_SET_COMPLEXITY(3));
    opus_encoder_ctl(encoder_, OPUS_SET_DTX(1));
    begin_anew();
  }
  ~Speaker() { opus_encoder_destroy(encoder_); }
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  double hz() const { return hz_; }
  double first_click() const { return first_click_; }
  // A new leg: another SSRC, other numbers.
  void begin_anew() {
    ssrc_ = static_cast<std::uint32_t>(random_.next());
    sequence_ = static_cast<std::uint16_t>(random_.next());
    timestamp_ = static_cast<std::uint32_t>(random_.next());
  }

  // All packets that have arrived by `at` (seconds of the call), in order of arrival.
  std::vector<MediaPacket> arrived(double at, TimePoint origin) {
    while (sent_at() <= at) send(origin);
    std::vector<MediaPacket> out;
    const auto until = origin + Duration(static_cast<Duration::rep>(at * 1e9));
    while (!on_the_way_.empty() && on_the_way_.begin()->first <= until) {
      out.push_back(on_the_way_.begin()->second);
      on_the_way_.erase(on_the_way_.begin());
    }
    return out;
  }
  void forget() { on_the_way_.clear(); }

 private:
  // When its next frame is complete: its clock runs at its own speed.
  double sent_at() const { return static_cast<double>((frames_ + 1) * kFrame) / kRate / speed_; }
  void send(TimePoint origin) {
    std::vector<float> pcm(kFrame);
    double sum = 0;
    for (std::size_t i = 0; i < kFrame; ++i) {
      const auto sample = frames_ * kFrame + i;
      const double t = static_cast<double>(sample) / kRate / speed_;
      pcm[i] = speech_[sample % speech_.size()];
      const double into = std::fmod(t - first_click_ + 1'000 * kClickEvery, kClickEvery);
      if (t >= first_click_ && into < kClickLong)
        pcm[i] = static_cast<float>(0.4 * std::sin(2 * M_PI * hz_ * t));
      sum += static_cast<double>(pcm[i]) * static_cast<double>(pcm[i]);
    }
    const double sent = sent_at();
    ++frames_;
    std::array<std::uint8_t, 1'275> payload{};
    const int size = opus_encode_float(encoder_, pcm.data(), kFrame, payload.data(), payload.size());
    const bool pause = size <= 2;
    const bool left_out = pause && std::exchange(was_pause_, pause);
    was_pause_ = pause;
    timestamp_ += kFrame;
    if (left_out) return;
    MediaPacket packet;
    packet.ssrc = ssrc_;
    packet.sequence = ++sequence_;
    packet.timestamp = timestamp_;
    const double dbov = 10 * std::log10(sum / kFrame + 1e-13);
    packet.level = static_cast<std::uint8_t>(std::clamp(-dbov, 0.0, 127.0));
    packet.assign(Bytes(payload.data(), static_cast<std::size_t>(size)));
    const double delay = 0.02 + std::min(random_.exponential(0.006), 0.08);
    packet.arrival = origin + Duration(static_cast<Duration::rep>((sent + delay) * 1e9));
    if (!random_.chance(0.03)) on_the_way_.emplace(packet.arrival, packet);
  }

  const double hz_, speed_, first_click_;
  test::Random random_;
  std::vector<float> speech_;
  OpusEncoder* encoder_ = nullptr;
  std::uint64_t frames_ = 0;
  std::uint32_t ssrc_ = 0, timestamp_ = 0;
  std::uint16_t sequence_ = 0;
  bool was_pause_ = false;
  std::multimap<TimePoint, MediaPacket> on_the_way_;
};

class Room final : public pipelines::FrameSink, public pipelines::RoomObserver {
 public:
  Room() : pipeline_(config(), *this, *this) {}
  void add(LegId leg) {
    pipelines::LegMedia media;
    media.id = leg;
    media.has_levels = true;
    media.applies_gain = true;
    pipeline_.add_leg(media);
  }
  void tap(LegId listener, std::shared_ptr<pipelines::MixConsumer> consumer) {
    pipelines::LegMedia media;
    media.id = listener;
    media.sends = false;
    taps_.add(listener, std::move(consumer));
    pipeline_.add_leg(media);
  }
  pipelines::RoomPipeline& pipeline() { return pipeline_; }
  void tick(TimePoint at) {
    at_ = at;
    pipeline_.tick(at);
  }
  void on_frame(const pipelines::OutboundFrame& frame) noexcept override {
    taps_.serve(frame, at_, pipeline_);
  }
  void on_talking(LegId, bool, std::uint8_t) noexcept override {}
  void on_gain_advice(LegId, float) noexcept override {}

 private:
  static pipelines::RoomMediaConfig config() {
    pipelines::init();
    pipelines::RoomMediaConfig out;
    out.work_clock = [] { return TimePoint{}; };  // a busy machine is not to change what is mixed
    return out;
  }
  TimePoint at_{};
  pipelines::MixTaps taps_;
  pipelines::RoomPipeline pipeline_;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// How much later than they were made the clicks of `hz` begin in a file, in seconds. A click that has lost a
// packet is shorter than it was made, and tells nothing.
std::map<double, double> lateness(const std::vector<float>& sound, double hz,
                                  const std::vector<double>& clicks) {
  constexpr std::size_t kStep = 96, kBlock = 480;
  std::map<double, double> out;
  for (const double made : clicks) {
    std::optional<double> begun;
    double ended = 0;
    for (std::size_t i = 0;; ++i) {
      const auto at = static_cast<std::size_t>((made - 0.25) * kRate) + i * kStep;
      const double t = static_cast<double>(at + kBlock / 2) / kRate;
      if (at + kBlock > sound.size() || t > made + 0.4) break;
      if (test::tone_amplitude(std::span(sound).subspan(at, kBlock), hz) < 0.12) continue;
      if (!begun) begun = t;
      ended = t;
    }
    if (begun && std::abs(ended - *begun - kClickLong) < 0.012) out[made] = *begun - made;
  }
  return out;
}

TEST(RecordedInSync, ClicksOfFiveDriftingTalkersLineUpInEveryFile) {
  const char* text = std::getenv("PARLEY_MINUTES");
  const double length = 60.0 * (text != nullptr ? std::max(1.0, std::atof(text)) : 1.0);
  constexpr std::array kPpm = {200.0, -200.0, 120.0, -60.0, 0.0};
  Folder folder("sync");
  Fault fault;
  NoEvents events;
  const TimePoint origin{1h};
  virtual_now = origin;
  RecorderSettings settings;
  settings.clock = &virtual_clock;
  Recorder recorder(settings, std::make_unique<FaultyDisk>(folder.path(), fault), events);
  ASSERT_TRUE(recorder.start({"sync", "room", "2026/11/25/sync", origin, 1'795'608'000'000}));
  Room room;
  std::vector<std::unique_ptr<Speaker>> speakers;
  std::array<LegId, 5> legs{};
  std::uint32_t last_leg = 0;
  const auto join = [&](std::size_t who) {
    legs[who] = LegId{++last_leg};
    room.add(legs[who]);
    recorder.attach("sync", {legs[who], "p" + std::to_string(who), "P", Codec::opus});
  };
  for (std::size_t who = 0; who < kPpm.size(); ++who) {
    speakers.push_back(
        std::make_unique<Speaker>(static_cast<int>(who), kPpm[who], 2.0 + 0.5 * static_cast<double>(who)));
    if (who != 3) join(who);
  }
  const auto mix = std::make_shared<pipelines::MixQueue>();
  room.tap(LegId{1'000}, mix);
  recorder.attach_mix("sync", mix);
  // Who is not heard when: the fourth comes late, goes and comes back as another leg; the fifth is muted.
  const double comes = 0.2 * length, goes = 0.5 * length, back = 0.7 * length;
  const double muted = 0.3 * length, unmuted = 0.4 * length;
  const auto audible = [&](std::size_t who, double t) {
    constexpr double kEdge = 1.5;  // a leg and its decoder settle
    if (who == 3) return (t > comes + kEdge && t < goes - kEdge) || t > back + kEdge;
    return who != 4 || t < muted - kEdge || t > unmuted + kEdge;
  };

  for (std::uint64_t tick = 1; static_cast<double>(tick) * 0.02 <= length; ++tick) {
    const double t = static_cast<double>(tick) * 0.02, before = t - 0.02;
    const auto passes = [&](double moment) { return before < moment && t >= moment; };
    if (passes(comes)) join(3);
    if (passes(goes)) {
      room.pipeline().remove_leg(legs[3]);
      recorder.detach(legs[3]);
      legs[3] = LegId::none;
    }
    if (passes(back)) {
      speakers[3]->begin_anew();
      speakers[3]->forget();
      join(3);
    }
    if (passes(muted) || passes(unmuted)) {
      room.pipeline().set_muted(legs[4], passes(muted));
      recorder.set_muted(legs[4], passes(muted));
    }
    const auto at = origin + 20ms * tick;
    for (std::size_t who = 0; who < speakers.size(); ++who) {
      for (const auto& packet : speakers[who]->arrived(t, origin)) {
        if (legs[who] == LegId::none) continue;
        recorder.push_packet(legs[who], packet);
        room.pipeline().push(legs[who], packet);
      }
    }
    room.tick(at);
    virtual_now = at;
    if (tick % 3 != 0) continue;
    std::promise<void> written;
    ASSERT_TRUE(recorder.post([&] { written.set_value(); }, Recorder::Order::after));
    written.get_future().wait();
  }
  recorder.stop("sync", "stopped");
  const auto manifest = events.finished.get_future().get();
  EXPECT_EQ(recorder.stats().packets_dropped, 0U);
  ASSERT_EQ(manifest.tracks.size(), 5U) << "who comes back goes on in its track";

  const auto decoded = [&](const std::string& name) {
    return recorder::decode_opus_file(as_bytes(slurp(folder.path() + "/2026/11/25/sync/" + name)));
  };
  const auto mixdown = decoded("mixdown.opus");
  // All click within two seconds of every five: how far apart do the five tracks and the mixdown have it?
  std::map<int, std::vector<double>> rounds;   // seconds too late
  std::array<std::vector<double>, 3> typical;  // of a talker in a file, for each third of the call
  const auto note = [&](const std::map<double, double>& found) {
    std::array<std::vector<double>, 3> thirds;
    for (const auto& [made, late] : found) {
      rounds[static_cast<int>((made - 2) / kClickEvery)].push_back(late);
      thirds.at(std::min<std::size_t>(2, static_cast<std::size_t>(3 * made / length))).push_back(late);
    }
    for (std::size_t third = 0; third < 3; ++third)
      if (!thirds.at(third).empty()) typical.at(third).push_back(median(thirds.at(third)));
  };
  for (std::size_t who = 0; who < speakers.size(); ++who) {
    std::vector<double> clicks;
    for (double t = speakers[who]->first_click(); t < length - 2; t += kClickEvery)
      if (audible(who, t)) clicks.push_back(t);
    const auto name = "tracks/p" + std::to_string(who) + "-1.opus";
    const auto in_track = lateness(decoded(name), speakers[who]->hz(), clicks);
    const auto in_mix = lateness(mixdown, speakers[who]->hz(), clicks);
    EXPECT_GE(in_track.size(), clicks.size() * 7 / 10) << name;
    EXPECT_GE(in_mix.size(), clicks.size() * 7 / 10) << name;
    note(in_track);
    note(in_mix);
    for (const auto& track : manifest.tracks)
      if (track.file == name)
        std::printf("p%zu, %+4.0f ppm: %zu of %zu clicks; %lld lost, %lld corrected, worst %.1f ms\n", who,
                    kPpm.at(who), in_track.size(), clicks.size(), static_cast<long long>(track.lost),
                    static_cast<long long>(track.corrected), track.worst_ms);
  }
  EXPECT_EQ(rounds.size(), static_cast<std::size_t>(std::ceil((length - 4) / kClickEvery)));
  for (std::size_t third = 0; third < 3; ++third) {
    const auto [least, most] = std::minmax_element(typical.at(third).begin(), typical.at(third).end());
    std::printf("%s: tracks and mixdown are apart by %.0f ms\n",
                std::array{"start", "middle", "end"}.at(third), (*most - *least) * 1e3);
    EXPECT_LT(*most - *least, 0.030);
  }
  // A single click can be late for what happened to its first packet: it came too late for the mix, or the
  // sender's DTX took it for silence.
  std::size_t all = 0, apart = 0;
  for (const auto& [number, late] : rounds) {
    const double middle = median(late);
    all += late.size();
    apart += static_cast<std::size_t>(
        std::count_if(late.begin(), late.end(), [&](double one) { return std::abs(one - middle) > 0.015; }));
  }
  std::printf("%zu of %zu single clicks are more than 15 ms from the middle of their round\n", apart, all);
  EXPECT_LE(apart, all / 10);
}

}  // namespace
}  // namespace parley::recording
