// direct-bench: what a call of two costs the server that goes direct, next to the same call through it and to
// no call at all: CPU seconds of the server's process, packets, bytes of signalling, and by ear what the way
// over the server adds to the delay.
//   direct-bench PATH_TO_parley-mcu [--seconds S]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "client/direct_path.hpp"
#include "tests/bench/server_process.hpp"
#include "tests/scenario/call.hpp"
#include "tests/scenario/tcp_relay.hpp"
#include "tests/support/course.hpp"
#include "tests/support/speech.hpp"

namespace {

using namespace parley;
using client::PathKind;
using scenario::Caller;
using scenario::Clients;

struct Cost {
  double cpu = 0, sent = 0, received = 0, direct = 0, signalling = 0;
};

std::shared_ptr<const std::vector<float>> words(double seconds, double pitch, std::uint32_t seed) {
  test::SpeechStyle style;
  style.pitch_hz = pitch;
  style.pause_seconds = 0.2;
  return std::make_shared<const std::vector<float>>(test::speech(seconds, seed, style));
}

void let_pass(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

void print(const char* what, double seconds, const Cost& cost, double delay_ms) {
  std::printf(
      "%-22s CPU of the server %.4f s in %.0f s = %.3f %% of a core; media packets/s to the server %.1f, "
      "from "
      "it %.1f, between the two %.1f; signalling %.0f bytes/s",
      what, cost.cpu, seconds, 100 * cost.cpu / seconds, cost.sent / seconds, cost.received / seconds,
      cost.direct / seconds, cost.signalling / seconds);
  if (delay_ms >= 0) std::printf("; a voice is heard after %.1f ms", delay_ms);
  std::printf("\n");
  std::fflush(stdout);
}

// A call whose two ends both talk. All figures are of both ends together.
bool call(const bench::ServerProcess& server, double seconds, bool direct) {
  scenario::TcpRelay wire({IpAddress::v4(0x7f000001), server.port()});
  const double length = seconds + 12;
  const std::shared_ptr<const std::vector<float>> said[] = {words(length, 120, 1), words(length, 200, 2)};
  Clients clients(4);  // 5 ms from one's step to the other's
  std::vector<std::unique_ptr<Caller>> two;
  for (int i = 0; i < 2; ++i) {
    client::SessionConfig config;
    config.server.host = "127.0.0.1";
    config.server.port = wire.port();
    config.room = direct ? "direct" : "mixed";
    config.name = i == 0 ? "ann" : "bob";
    config.direct = direct;
    two.push_back(
        std::make_unique<Caller>(clients, config, std::make_unique<client::PcmSource>(said[i], true)));
    if (!two.back()->wait_live().empty()) return false;
  }
  const auto arrived = [&] {
    const auto wanted = direct ? PathKind::direct : PathKind::mcu;
    for (const auto& one : two)
      if (one->session().stats().path != wanted) return std::string("not there yet");
    return std::string();
  };
  if (!scenario::wait_until(arrived, 10s).empty()) return false;
  let_pass(to_seconds(client::DirectPath::kProbation) + 2);

  const auto count = [&] {
    Cost cost;
    for (const auto& one : two) {
      const auto stats = one->session().stats();
      cost.sent += static_cast<double>(stats.packets_sent);
      cost.received += static_cast<double>(stats.packets_received);
      cost.direct += static_cast<double>(stats.direct_received);
    }
    cost.signalling = static_cast<double>(wire.passed());
    cost.cpu = server.cpu_seconds();
    return cost;
  };
  const Cost before = count();
  let_pass(seconds);
  Cost cost = count();
  cost.cpu -= before.cpu;
  cost.sent -= before.sent;
  cost.received -= before.received;
  cost.direct -= before.direct;
  cost.signalling -= before.signalling;

  // Of both directions: what one gains by the phases of the two clients the other loses.
  double delay_ms = 0;
  for (std::size_t from = 0; from < 2; ++from) {
    const auto& ear = *two[1 - from];
    const auto lead = ear.listening_since() - two[from]->speaking_since();
    const auto samples = static_cast<std::ptrdiff_t>(to_seconds(lead) * 48'000);
    const auto heard = ear.heard();
    const auto words = std::span(*said[from]);
    const auto course =
        samples >= 0 ? test::follow(words.subspan(static_cast<std::size_t>(samples)), heard)
                     : test::follow(words, std::span(heard).subspan(static_cast<std::size_t>(-samples)));
    delay_ms += course.delay_end_ms / 2;
  }
  print(direct ? "a direct call" : "the same by the server", seconds, cost, delay_ms);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::string binary;
  double seconds = 30;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--seconds" && i + 1 < argc)
      seconds = std::atof(argv[++i]);
    else
      binary = word;
  }
  if (binary.empty() || seconds < 1) {
    std::fprintf(stderr, "usage: %s PATH_TO_parley-mcu [--seconds S]\n", argv[0]);
    return 2;
  }
  const bench::ServerProcess server(binary, "", "high");
  if (server.port() == 0) {
    std::fprintf(stderr, "the server did not start\n");
    return 1;
  }
  let_pass(1);
  const double before = server.cpu_seconds();
  let_pass(seconds);
  print("nobody there", seconds, {.cpu = server.cpu_seconds() - before}, -1);
  return call(server, seconds, true) && call(server, seconds, false) ? 0 : 1;
}
