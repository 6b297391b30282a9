#include "pipelines/mix_tap.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <future>
#include <thread>

#include "mcu/app/mix_thread.hpp"
#include "tests/support/opus_source.hpp"
#include "transport/dtls/identity.hpp"

namespace parley::app {
namespace {

using pipelines::MixFrame;
using pipelines::MixQueue;

class NoEvents final : public LegServerEvents {
  void on_connected(LegId /*leg*/, const Address& /*remote*/) noexcept override {}
  void on_media(LegId /*leg*/, std::uint32_t /*route*/, const MediaPacket& /*packet*/) noexcept override {}
  void on_end(LegId /*leg*/, LegEnd /*end*/) noexcept override {}
  void on_traffic(LegId /*leg*/, std::uint32_t /*route*/, const LegTraffic& /*traffic*/) noexcept override {}
};

pipelines::LegMedia talker(std::uint32_t id) {
  pipelines::LegMedia leg;
  leg.id = LegId{id};
  leg.receives = false;
  return leg;
}

// A mix thread with one room and two talkers who send continuously.
class MixTapTest : public testing::Test {
 protected:
  static constexpr RoomId kRoom{1};

  void SetUp() override {
    pipelines::init();
    identity_ = std::move(dtls::Identity::create()).value();
    legs_ = std::move(LegServer::open(*Address::parse("127.0.0.1:0"), *identity_, events_)).value();
    mixer_ = std::make_unique<MixThread>(0, *legs_, inbox_, [](const std::shared_ptr<MixThread::Room>&) {});
    auto room = mixer_->build_room({});
    ASSERT_TRUE(mixer_->post([room](MixThread& mixer) {
      mixer.open_room(kRoom, room);
      mixer.add_leg(kRoom, talker(1));
      mixer.add_leg(kRoom, talker(2));
    }));
    for (const double hz : {440.0, 620.0}) {
      std::vector<float> tone(48'000 * 4);
      for (std::size_t i = 0; i < tone.size(); ++i)
        tone[i] = static_cast<float>(0.2 * std::sin(2 * M_PI * hz * static_cast<double>(i) / 48'000));
      voices_.push_back(test::opus_packets(tone, {.low_delay = true}));
    }
  }
  void add_tap(std::uint32_t id, const std::shared_ptr<pipelines::MixConsumer>& consumer) {
    ASSERT_TRUE(mixer_->post([=](MixThread& mixer) { mixer.add_tap(kRoom, LegId{id}, consumer); }));
  }
  // Sends in real time until `done` or the voices' end.
  bool talk_until(const std::function<bool()>& done) {
    const TimePoint start = now() - voices_[0][next_].sent;
    for (; next_ < voices_[0].size(); ++next_) {
      std::this_thread::sleep_until(start + voices_[0][next_].sent);
      for (std::uint32_t who = 0; who < 2; ++who) {
        auto packet = voices_[who][next_].packet;
        packet.arrival = now();
        mixer_->push(LegId{who + 1}, packet);
      }
      if (done()) return true;
    }
    return false;
  }
  pipelines::RoomStats room_stats() {
    std::promise<pipelines::RoomStats> stats;
    mixer_->post([&](MixThread& mixer) { stats.set_value(mixer.room(kRoom)->stats()); });
    return stats.get_future().get();
  }

  NoEvents events_;
  EventInbox inbox_{64, [] {}};
  std::unique_ptr<dtls::Identity> identity_;
  std::unique_ptr<LegServer> legs_;
  std::unique_ptr<MixThread> mixer_;
  std::vector<std::vector<test::TimedPacket>> voices_;
  std::size_t next_ = 0;
};

TEST_F(MixTapTest, ConsumersShareOneEncodeAndGetTheSamePackets) {
  const auto first = std::make_shared<MixQueue>(), second = std::make_shared<MixQueue>();
  add_tap(101, first);
  add_tap(102, second);
  std::size_t mixed = 0, equal = 0;
  std::uint64_t last_time = 0;
  TimePoint last_tick{};
  bool in_order = true;
  const auto take = [&] {
    MixFrame a, b;
    ByteBuffer one, other;
    while (first->pop(a, one)) {
      if (!second->pop(b, other)) return false;
      equal += a.media_time == b.media_time && one == other ? 1 : 0;
      in_order &= mixed == 0 || a.media_time > last_time;
      EXPECT_LE(a.spoken, a.at);
      last_time = a.media_time;
      last_tick = a.at - 20ms;
      ++mixed;
    }
    return mixed >= 50;
  };
  ASSERT_TRUE(talk_until(take));
  EXPECT_EQ(equal, mixed);
  EXPECT_TRUE(in_order);
  EXPECT_GE(first->passed(), last_tick) << "a tick is told of behind its packets, or with the next";
  const auto told = first->passed();
  const TimePoint limit = now() + 5s;
  while (first->passed() == told && now() < limit) std::this_thread::yield();
  EXPECT_EQ((first->passed() - told) % 20ms, 0ms) << "silent ticks are told of, too";
  EXPECT_GT(first->passed(), told);
  const auto stats = room_stats();
  EXPECT_GT(stats.encodes, 0U);
  EXPECT_LE(stats.encodes, stats.ticks) << "two taps must not cost two encodes";
}

TEST_F(MixTapTest, ATapMayLeaveATalkerOut) {
  const auto all = std::make_shared<MixQueue>(), none = std::make_shared<MixQueue>();
  add_tap(101, all);
  add_tap(102, none);
  mixer_->post([](MixThread& mixer) {
    for (const LegId who : {LegId{1}, LegId{2}})
      mixer.room_of(LegId{102})->set_personal_gain(LegId{102}, who, pipelines::RoomPipeline::kMute);
  });
  std::size_t heard = 0;
  MixFrame frame;
  ByteBuffer packet;
  ASSERT_TRUE(talk_until([&] {
    while (all->pop(frame, packet)) heard += frame.quiet || packet.size() < 10 ? 0 : 1;
    return heard >= 40;
  }));
  std::size_t leaked = 0;
  while (none->pop(frame, packet)) leaked += packet.size() > 10 ? 1 : 0;
  EXPECT_LE(leaked, 3U) << "only an encoder's fade to silence may be longer";
}

TEST_F(MixTapTest, EndsOnceByRemovalOrWithTheRoom) {
  std::atomic<int> woken{0};
  const auto removed = std::make_shared<MixQueue>(4'096, [&] { ++woken; }),
             closed = std::make_shared<MixQueue>(), late = std::make_shared<MixQueue>();
  add_tap(101, removed);
  add_tap(102, closed);
  std::promise<void> done;
  mixer_->post([&](MixThread& mixer) {
    mixer.remove_leg(LegId{101});
    EXPECT_TRUE(removed->ended());
    EXPECT_FALSE(closed->ended());
    mixer.close_room(kRoom);
    EXPECT_TRUE(closed->ended());
    mixer.add_tap(kRoom, LegId{103}, late);
    EXPECT_TRUE(late->ended());
    done.set_value();
  });
  done.get_future().wait();
  EXPECT_GE(woken.load(), 1);
}

TEST(MixQueue, AFullQueueDropsAndCounts) {
  MixQueue queue(256);
  const ByteBuffer packet(60, 7);
  MixFrame frame;
  frame.size = 60;
  for (int i = 0; i < 5; ++i) queue.on_mix(frame, packet);
  EXPECT_EQ(queue.dropped(), 3U);
  ByteBuffer out;
  EXPECT_TRUE(queue.pop(frame, out));
  EXPECT_EQ(out, packet);
  EXPECT_TRUE(queue.pop(frame, out));
  EXPECT_FALSE(queue.pop(frame, out));
}

}  // namespace
}  // namespace parley::app
