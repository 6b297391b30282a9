#include "tests/nat/world.hpp"

namespace parley::nat {

using client::PathKind;
using scenario::Caller;
using scenario::Clients;

namespace {

constexpr const char* kKey = "only for the laboratory";

}  // namespace

bool lab_works(std::string& why) {
  try {
    const Host probe(ip("192.0.2.9"));
    return true;
  } catch (const std::exception& error) {
    why = error.what();
    return false;
  }
}

void Person::join(const client::ServerUrl& server, const std::string& room, const std::string& name,
                  const Change& change) {
  host->run([&] {
    clients = std::make_unique<Clients>(1);
    client::SessionConfig config;
    config.server = server;
    config.room = room;
    config.name = name;
    config.dtx = false;
    config.complexity = 2;
    if (change) change(config);
    auto source = words ? std::make_unique<client::PcmSource>(words, true) : scenario::steady_tone(hz);
    caller = std::make_unique<Caller>(*clients, config, std::move(source));
  });
}

World::World(const Lab::Weather& weather, const Options& options)
    : lab(weather), options_(options), server_host_(lab.add_host(ip("192.0.2.1"))) {}

World::~World() {
  for (auto& [ann, bob] : calls)
    for (auto* person : {&ann, &bob}) person->caller.reset();
  server_.reset();
}

std::string World::next_public_ip() {
  return "198.51.100." + std::to_string(++homes_);
}

Person World::person(Kind kind, double hz) {
  const std::string text = next_public_ip();
  if (kind == Kind::none) return {&lab.add_host(ip(text.c_str())), hz};
  NatBox& nat = lab.add_nat(kind, ip(text.c_str()));
  return {&lab.add_host(ip("192.168.1.2"), {&nat}), hz, &nat};
}

Person World::person_without_udp(double hz) {
  NatBox& nat = lab.add_nat(Kind::port_restricted, ip(next_public_ip().c_str()));
  return {&lab.add_host(ip("192.168.1.2"), {&nat}, false), hz, &nat};
}

void World::open() {
  lab.start();
  server_host_.run([this] {
    settings::Settings settings;
    settings.http.listen = *Address::parse("192.0.2.1:8080");
    settings.media.listen = *Address::parse("192.0.2.1:5004");
    if (options_.second_port) settings.media.second_listen = Address::parse("192.0.2.1:5005");
    settings.rooms.direct_probing = options_.probing;
    if (options_.tls) settings.http.tls.certificate = "self-signed";
    settings.auth.admin_key = kKey;  // it listens on more than loopback
    settings.recording.directory = folder_.path() + "/recordings";
    settings.streaming.file_root = folder_.path();
    settings.log.level = settings::LogLevel::error;
    server_ = std::make_unique<scenario::Server>(settings);
  });
}

void World::start() {
  open();
  for (std::size_t i = 0; i < calls.size(); ++i) join(i);
}

void World::join(std::size_t call, const Person::Change& change) {
  const auto room = "room" + std::to_string(call);
  calls[call].first.join(url(), room, "ann", change);
  calls[call].second.join(url(), room, "bob", change);
}

int World::ask(const std::string& method, const std::string& room, const std::string& what,
               const std::string& body) {
  int status = 0;
  server_host_.run([&] {
    status =
        server_->http(method, "/api/v1/rooms/" + room + "/" + what, body, "application/json", kKey).status;
  });
  return status;
}

client::ServerUrl World::url() const {
  client::ServerUrl url{"192.0.2.1", 8080, options_.tls};
  url.trust.anybody = options_.tls;
  return url;
}

std::string both_hear(const Pair& call, Duration limit) {
  auto missing = scenario::wait_tone(*call.first.caller, kBobHz, 0.3, limit);
  return missing.empty() ? scenario::wait_tone(*call.second.caller, kAnnHz, 0.3, limit) : missing;
}

bool both_on(const Pair& call, PathKind path) {
  return call.first.path() == path && call.second.path() == path;
}

double time_to_direct(const Pair& call, Duration limit) {
  const TimePoint begin = now();
  const auto missing = scenario::wait_until(
      [&] { return std::string(both_on(call, PathKind::direct) ? "" : "direct"); }, limit);
  return missing.empty() ? to_ms(now() - begin) : -1;
}

}  // namespace parley::nat
