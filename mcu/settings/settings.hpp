// The configuration of the server: YAML in, one value out. config/parley.yaml documents every key; the
// defaults below are the same.
//
// Strict: an unknown or repeated key, a wrong type or unit, a value out of range or a combination that cannot
// work is one error of one line that names file, line, key and what is allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/address.hpp"
#include "transport/base/result.hpp"
#include "transport/base/thread_priority.hpp"
#include "transport/base/time.hpp"

namespace parley::settings {

enum class AutoLevel : std::uint8_t { off, client, server };
enum class Direct : std::uint8_t { automatic, never, always };
enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct Settings {
  struct Http {
    Address listen{IpAddress::v4(0x7f000001), 8080};
    std::vector<std::string>
        allowed_origins;  // "https://meet.example.org"; the server's own is always allowed
    struct Tls {
      std::string certificate;  // a PEM file or "self-signed"; empty: no TLS
      std::string key;          // a PEM file
    } tls;
  } http;
  struct Media {
    Address listen{IpAddress::v4(0), 5004};
    std::optional<Address> second_listen;  // of STUN alone
    std::vector<Address>
        advertise;  // put into candidates; port 0: that of `listen`; empty: the host's interfaces
    std::vector<IpNetwork> plain_rtp_from;
    ThreadPriority priority = ThreadPriority::high;  // of the net and mix threads
    bool over_websocket = true;
  } media;
  struct Mix {
    int tick_ms = 20;     // 10 or 20
    int max_talkers = 8;  // 0: all
    AutoLevel auto_level = AutoLevel::client;
    int complexity = 7;
    bool comfort_noise = false;
    int threads = 0;  // 0: one per core
  } mix;
  struct Jitter {
    int min_ms = 0;
    int max_ms = 200;
  } jitter;
  struct Rooms {
    Duration idle_timeout = 60s;
    Duration leg_timeout = 10s;
    std::size_t max_participants = 1000;
    Direct direct = Direct::automatic;
    bool direct_probing = true;
    std::string state_file = "recordings/state.db";  // empty: nothing is remembered
  } rooms;
  struct Calls {
    Duration ring_timeout = 30s;
    int per_minute = 10;  // of one caller
  } calls;
  struct Alarm {
    int delay_ms = 150;
  } alarm;
  struct Auth {
    std::string admin_key;  // empty: none
    std::string token_key;
  } auth;
  struct Limits {
    int joins_per_second = 200;
    int joins_per_second_per_address = 10;  // loopback is exempt
    std::size_t rooms = 1000;
    std::size_t participants = 2000;
    std::size_t body_bytes = 256 * 1024;
    std::size_t connections = 4000;
  } limits;
  // A stream that begins with the server.
  struct StartedStream {
    std::string room, url;
    std::string codec, video;  // empty: the usual
    int bitrate = 0;           // 0: the usual
  };
  struct Streaming {
    std::vector<std::string> allow = {"icecast://*", "rtmp://*", "rtmps://*", "srt://*", "hls:", "file:"};
    std::string file_root;  // empty: no file:
    std::string hls_root;   // empty: a temporary folder
    std::string picture;
    std::string ca_file;  // empty: the system's
    std::vector<StartedStream> start;
  } streaming;
  struct Playback {
    std::string directory;  // empty: no files are played
    std::string join_chime, leave_chime;
  } playback;
  struct Recording {
    std::string directory = "recordings";
    bool automatic = false;
    int sync_ms = 1000;
    std::uint64_t min_free_mb = 500;
    std::uint64_t keep_days = 0;    // 0: for ever
    std::uint64_t max_gb = 0;       // 0: no limit
    std::vector<std::string> hook;  // a program and its arguments; empty: none
    Duration hook_timeout = 10min;
    bool hook_removes = false;
    std::string notice_file;  // empty: nothing is said
    bool loudness = true;
  } recording;
  struct Quality {
    Duration interval = 5s;
    double alarm_mos = 3.6;
    std::uint64_t keep_days = 7;  // 0: no log
    std::uint64_t max_mb = 256;
  } quality;
  struct Webhooks {
    std::string url;  // empty: nobody is told
    std::string key;
    std::vector<std::string> allow = {"https://*", "http://*"};
  } webhooks;
  struct Log {
    LogLevel level = LogLevel::info;
  } log;
};

// `source` is what errors call the text ("config/parley.yaml").
Result<Settings> parse(std::string_view yaml, std::string_view source);
Result<Settings> load(const std::string& path);

// The effective configuration, every key, for --check-config. Secrets are written as "***".
std::string to_yaml(const Settings& settings);

// What a SIGHUP brings: the keys whose values differ.
struct Changes {
  std::vector<std::string> reloadable;     // take effect at once
  std::vector<std::string> needs_restart;  // the running values stay
};
Changes compare(const Settings& running, const Settings& loaded);
// `running` with the reloadable keys of `loaded`.
Settings reloaded(const Settings& running, const Settings& loaded);

// One row of the reference (docs/configuration.md is checked against it).
struct KeyInfo {
  std::string path;  // "jitter.min_ms"
  std::string type;  // "a whole number of milliseconds from 0 to 1000"
  std::string value_by_default;
  std::string meaning;
  bool reloadable = false;
  bool secret = false;
};
std::vector<KeyInfo> key_reference();

}  // namespace parley::settings
