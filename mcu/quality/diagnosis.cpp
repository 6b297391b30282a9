#include "mcu/quality/diagnosis.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace parley::quality {
namespace {

// From here on people notice.
constexpr double kLoss = 0.02;
constexpr double kJitterMs = 40;
constexpr double kDelayMs = 200;      // ITU-T G.114: beyond 150 ms some complain; the buffer is counted here
constexpr double kConcealedMs = 250;  // of an interval of some seconds
constexpr double kSkipped = 0.01, kDropped = 0.005;
constexpr std::size_t kCrowd = 3;  // of so many most must suffer before it is said to be the server's network

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %%", share < 0.1 ? 1 : 0, share * 100);
  return text;
}
std::string ms(double value) {
  return std::to_string(std::lround(value)) + " ms";
}

bool is_lossy(const DirectionQuality& one) {
  return one.loss - std::max(one.recovered, 0.0) >= kLoss;
}
double delay_of(const DirectionQuality& one, double round_trip_ms) {
  return std::max(one.delay_ms, 0.0) + std::max(round_trip_ms, 0.0) / 2;
}

// Which direction a sentence is about, and how it says it.
struct Side {
  const char* direction;
  const char* hurts;
  DirectionQuality Sample::*figures;
};
constexpr Side kUplink{"uplink", "others", &Sample::uplink};
constexpr Side kDownlink{"downlink", "itself", &Sample::downlink};

class Doctor {
 public:
  Doctor(std::span<const Sample> room, const ServerLoad& load) : room_(room), load_(load) {}

  std::vector<Trouble> look() {
    look_at_server();
    for (const Side& side : {kUplink, kDownlink}) {
      if (is_crowd_lossy(side)) {
        tell_crowd(side);
        continue;
      }
      for (const Sample& one : room_)
        if (!one.is_direct()) look_at(one, side);
    }
    for (const Sample& one : room_) {
      if (one.is_direct()) look_at_direct(one);
    }
    if (out_.empty()) {
      for (const Sample& one : room_) look_at_client(one);
    }
    return std::move(out_);
  }

 private:
  void tell(const Sample& who, const char* direction, const char* cause, const char* hurts,
            std::string text) {
    out_.push_back({who.participant, who.name, direction, cause, hurts, std::move(text)});
  }

  void look_at_server() {
    const auto share = [](std::uint64_t part, std::uint64_t whole) {
      return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    const double skipped = share(load_.skipped_ticks, load_.ticks + load_.skipped_ticks);
    const double dropped = share(load_.dropped, load_.packets + load_.dropped);
    if (skipped >= kSkipped)
      out_.push_back({"", "", "server", "overload", "everybody",
                      "the server is too busy: " + percent(skipped) +
                          " of its ticks came too late and were left out: everybody hears gaps"});
    if (dropped >= kDropped)
      out_.push_back({"", "", "server", "overload", "everybody",
                      "the server is too busy: its queues dropped " + percent(dropped) +
                          " of the packets: everybody hears gaps"});
  }

  bool is_crowd_lossy(const Side& side) const {
    std::size_t judged = 0, lossy = 0;
    for (const Sample& one : room_) {
      if (one.is_direct() || (one.*side.figures).loss < 0) continue;
      ++judged;
      if (is_lossy(one.*side.figures)) ++lossy;
    }
    return lossy >= kCrowd && 2 * lossy > judged;
  }
  void tell_crowd(const Side& side) {
    const bool up = std::string_view(side.direction) == kUplink.direction;
    out_.push_back({"", "", "server", "network", "everybody",
                    std::string("most participants lose packets on their way ") + (up ? "to" : "from") +
                        " the server at the same time: it is the server's network"});
  }

  void look_at(const Sample& one, const Side& side) {
    const auto& f = one.*side.figures;
    const bool up = std::string_view(side.direction) == kUplink.direction;
    const std::string& name = one.name;
    if (is_lossy(f)) {
      tell(one, side.direction, "loss", side.hurts,
           up ? percent(f.loss) + " of what " + name +
                    " sends is lost on its way to the server: everybody hears " + name + " broken"
              : percent(f.loss) + " of what the server sends to " + name + " is lost: " + name +
                    " hears everybody broken, nobody else does");
    }
    if (f.jitter_ms >= kJitterMs) {
      tell(one, side.direction, "jitter", side.hurts,
           up ? "what " + name + " sends comes " + ms(f.jitter_ms) + " early or late: everybody hears " +
                    name + " late"
              : "what the server sends comes to " + name + " " + ms(f.jitter_ms) + " early or late: " + name +
                    " hears everybody late, nobody else does");
    }
    const double delay = delay_of(f, one.round_trip_ms);
    if (delay >= kDelayMs && f.loss >= 0) {
      const char* where = f.delay_ms > std::max(one.round_trip_ms, 0.0) / 2
                              ? ", most of it in the jitter buffer, because packets come unevenly"
                              : ", most of it on the network";
      tell(one, side.direction, "delay", side.hurts,
           (up ? "what " + name + " says is heard " + ms(delay) + " late"
               : name + " hears everybody " + ms(delay) + " late") +
               where);
    }
    if (up && one.path == kMcuWebSocket)
      tell(one, "uplink", "websocket", "itself",
           "UDP does not get through to " + name +
               ": its sound goes over the WebSocket, where each loss holds up all that follows");
  }

  // Each end measures what it receives; what it sends is known from the other end's reports, and said only
  // where that end says nothing itself.
  void look_at_direct(const Sample& one) {
    if (is_lossy(one.downlink))
      tell(one, "direct", "loss", "itself",
           percent(one.downlink.loss) + " of what " + one.peer + " sends directly to " + one.name +
               " is lost: " + one.name + " hears " + one.peer + " broken");
    const bool peer_tells = std::any_of(room_.begin(), room_.end(), [&](const Sample& other) {
      return other.is_direct() && other.participant != one.participant;
    });
    if (!peer_tells && is_lossy(one.uplink))
      tell(one, "direct", "loss", "peer",
           percent(one.uplink.loss) + " of what " + one.name + " sends directly to " + one.peer +
               " is lost: " + one.peer + " hears " + one.name + " broken");
    if (one.downlink.jitter_ms >= kJitterMs)
      tell(one, "direct", "jitter", "itself",
           "what " + one.peer + " sends directly comes to " + one.name + " " + ms(one.downlink.jitter_ms) +
               " early or late: " + one.name + " hears " + one.peer + " late");
  }

  // Sound that is made up although nothing else is wrong on any way that leads here.
  void look_at_client(const Sample& one) {
    if (one.downlink.concealed_ms < kConcealedMs) return;
    tell(one, "downlink", "client", "itself",
         one.name + " had to make up " + ms(one.downlink.concealed_ms) +
             " of sound although nothing was lost: its machine is too busy, or its network stalls");
  }

  std::span<const Sample> room_;
  const ServerLoad& load_;
  std::vector<Trouble> out_;
};

}  // namespace

std::vector<Trouble> diagnose(std::span<const Sample> room, const ServerLoad& load) {
  return Doctor(room, load).look();
}

}  // namespace parley::quality
