// Real clients and a real server on the network of lab.hpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/session.hpp"
#include "tests/nat/lab.hpp"
#include "tests/scenario/tone_ear.hpp"

namespace parley::nat {

inline constexpr double kAnnHz = 500, kBobHz = 800;

// False where namespaces or TUN devices cannot be made, and why.
bool lab_works(std::string& why);

#define NEEDS_LAB()                                    \
  if (std::string why; !::parley::nat::lab_works(why)) \
  GTEST_SKIP() << "THE NAT LABORATORY CANNOT RUN HERE (needs root and /dev/net/tun): " << why

// Somebody at a host: `hz` is what they say, or words.
struct Person {
  Host* host = nullptr;
  double hz = 0;
  NatBox* nat = nullptr;
  std::unique_ptr<scenario::Clients> clients = {};
  std::unique_ptr<scenario::Caller> caller = {};
  std::shared_ptr<const std::vector<float>> words = {};

  using Change = std::function<void(client::SessionConfig&)>;
  void join(const client::ServerUrl& server, const std::string& room, const std::string& name,
            const Change& change = {});
  client::PathKind path() const { return caller->session().stats().path; }
  double first_audio_ms() const { return caller->session().stats().first_audio_ms; }
};

using Pair = std::pair<Person, Person>;

class World {
 public:
  struct Options {
    bool second_port = true;  // the server's
    bool tls = false;         // so that media may go over the WebSocket
    bool probing = true;      // the server's rooms.direct_probing
  };
  explicit World(const Lab::Weather& weather) : World(weather, Options()) {}
  World(const Lab::Weather& weather, const Options& options);
  ~World();

  // A home of one person behind a NAT of this kind. Every home network has the same addresses.
  Person person(Kind kind, double hz);
  // A home whose network lets no UDP out or in.
  Person person_without_udp(double hz);
  void open();   // the network and the server
  void start();  // open(), and everybody joins at once
  void join(std::size_t call, const Person::Change& change = {});
  // A request to the API about a room; its status.
  int ask(const std::string& method, const std::string& room, const std::string& what,
          const std::string& body = {});
  client::ServerUrl url() const;
  Host& server_host() { return server_host_; }
  Address media() const { return server_->media(); }

  Lab lab;
  std::vector<Pair> calls;

 private:
  std::string next_public_ip();

  const Options options_;
  const scenario::Folder folder_;
  Host& server_host_;
  int homes_ = 0;
  std::unique_ptr<scenario::Server> server_;
};

// Empty, or what is missing.
std::string both_hear(const Pair& call, Duration limit = 10s);
bool both_on(const Pair& call, client::PathKind path);
// Milliseconds until both are direct; negative: not within the limit.
double time_to_direct(const Pair& call, Duration limit);

}  // namespace parley::nat
