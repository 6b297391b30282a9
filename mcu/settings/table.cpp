#include "mcu/settings/key.hpp"
#include "mcu/settings/kinds.hpp"
#include "mcu/settings/kinds_broadcast.hpp"

namespace parley::settings {

namespace {

enum class Change : std::uint8_t { needs_restart, on_reload };
constexpr auto kRestart = Change::needs_restart;
constexpr auto kReload = Change::on_reload;

// `member` is a generic lambda: Settings& -> the member's reference, const or not.
template <typename T, typename Member>
Key key(std::string path, Member member, Kind<T> kind, Change change, std::string meaning) {
  using Field = std::remove_reference_t<decltype(member(std::declval<Settings&>()))>;
  Key out;
  out.path = std::move(path);
  out.expected = kind.expected;
  out.meaning = std::move(meaning);
  out.reloadable = change == kReload;
  out.read = [member, read = kind.read](const YAML::Node& node, Settings& settings) -> Status {
    auto value = read(node);
    if (!value) return value.error();
    member(settings) = static_cast<Field>(std::move(value).value());
    return Done{};
  };
  out.write = [member, write = kind.write](const Settings& settings) {
    return write(static_cast<T>(member(settings)));
  };
  out.copy = [member](const Settings& from, Settings& to) { member(to) = member(from); };
  return out;
}

Key hidden(Key out) {
  out.secret = true;
  return out;
}

Kind<std::uint64_t> count(std::uint64_t least, std::uint64_t most) {
  return whole_number("", least, most);
}
Kind<std::uint64_t> milliseconds(std::uint64_t least, std::uint64_t most) {
  return whole_number("milliseconds", least, most);
}

Kind<AutoLevel> auto_level() {
  return one_of<AutoLevel>(
      {{"off", AutoLevel::off}, {"client", AutoLevel::client}, {"server", AutoLevel::server}});
}
Kind<Direct> direct() {
  return one_of<Direct>({{"auto", Direct::automatic}, {"never", Direct::never}, {"always", Direct::always}});
}
Kind<ThreadPriority> priority() {
  return one_of<ThreadPriority>({{"normal", ThreadPriority::normal},
                                 {"high", ThreadPriority::high},
                                 {"realtime", ThreadPriority::realtime}});
}
Kind<LogLevel> log_level() {
  return one_of<LogLevel>({{"debug", LogLevel::debug},
                           {"info", LogLevel::info},
                           {"warn", LogLevel::warn},
                           {"error", LogLevel::error}});
}

std::vector<Key> http_keys() {
  return {
      key(
          "http.listen", [](auto& s) -> auto& { return s.http.listen; }, socket_address(), kRestart,
          "Where HTTP and the WebSocket listen (TCP). Without auth.admin_key only the loopback is allowed. "
          "Port 0: any "
          "free one."),
      key(
          "http.allowed_origins", [](auto& s) -> auto& { return s.http.allowed_origins; }, origins(), kReload,
          "Origins of pages of other servers that may use this one from a browser; its own page always may. "
          "\"*\": any "
          "page, for development only."),
      key(
          "http.tls.certificate", [](auto& s) -> auto& { return s.http.tls.certificate; },
          file_name("a PEM file with the certificate and its chain, self-signed, or \"\" for none"), kReload,
          "HTTPS and WSS on the port of http.listen; plain HTTP is then for this host only. self-signed: "
          "made by the server, for development; browsers warn of it. Browsers open the microphone on pages "
          "from localhost "
          "or by HTTPS only."),
      key(
          "http.tls.key", [](auto& s) -> auto& { return s.http.tls.key; },
          file_name("a PEM file with the private key, or \"\" for none"), kReload,
          "The key of http.tls.certificate. Both files are read again on SIGHUP, as after a renewal. With "
          "self-signed: where key and certificate are kept over restarts, or \"\" for new ones at each "
          "start."),
  };
}

std::vector<Key> media_keys() {
  return {
      key(
          "media.listen", [](auto& s) -> auto& { return s.media.listen; }, socket_address(), kRestart,
          "The one UDP port of all media. Port 0: any free one."),
      key(
          "media.second_listen", [](auto& s) -> auto& { return s.media.second_listen; },
          optional_socket_address(), kRestart,
          "A second UDP port that answers STUN Binding requests and nothing else: by it clients find out "
          "what "
          "kind of NAT they are behind, for parley doctor and for direct calls through the hardest of them. "
          "The IP address of media.listen, another port."),
      key(
          "media.advertise", [](auto& s) -> auto& { return s.media.advertise; }, public_addresses(), kRestart,
          "The addresses that clients are told to send media to: the public ones when the server is behind a "
          "NAT. "
          "Without a port: that of media.listen. Empty: the addresses of the host's interfaces."),
      key(
          "media.plain_rtp_from", [](auto& s) -> auto& { return s.media.plain_rtp_from; }, networks(),
          kReload,
          "Networks from which unencrypted RTP (RTP/AVP) is taken, for ffmpeg, GStreamer and gateways. "
          "Empty: from "
          "nowhere."),
      key(
          "media.priority", [](auto& s) -> auto& { return s.media.priority; }, priority(), kRestart,
          "How urgently the threads that receive, mix and send are run. high: before ordinary programs; "
          "realtime: "
          "before all of them, for a machine that does nothing else. Both need CAP_SYS_NICE, or limits that "
          "allow "
          "it; what is not granted is said in the log."),
      key(
          "media.over_websocket", [](auto& s) -> auto& { return s.media.over_websocket; }, yes_or_no(),
          kReload,
          "Where UDP does not get through, the WebSocket of a client may carry its media: only over TLS "
          "(wss) "
          "or from this host. false: no media without UDP."),
  };
}

std::vector<Key> mix_keys() {
  return {
      key(
          "mix.tick_ms", [](auto& s) -> auto& { return s.mix.tick_ms; },
          one_of<int>({{"10", 10}, {"20", 20}}), kRestart,
          "The step of a room in milliseconds. 10 saves delay and costs nearly twice the CPU."),
      key(
          "mix.max_talkers", [](auto& s) -> auto& { return s.mix.max_talkers; }, count(0, 1000), kReload,
          "How many talkers of a room are decoded and heard at once, the loudest. 0: all."),
      key(
          "mix.auto_level", [](auto& s) -> auto& { return s.mix.auto_level; }, auto_level(), kReload,
          "Who brings talkers to equal loudness: client (the server measures, the client applies the gain "
          "before its "
          "encoder), server (in the mixer) or off."),
      key(
          "mix.complexity", [](auto& s) -> auto& { return s.mix.complexity; }, count(0, 10), kReload,
          "Complexity of the Opus encoders: CPU against quality. Below 7 Opus makes no DTX."),
      key(
          "mix.comfort_noise", [](auto& s) -> auto& { return s.mix.comfort_noise; }, yes_or_no(), kReload,
          "Faint noise instead of digital silence while nobody talks."),
      key(
          "mix.threads", [](auto& s) -> auto& { return s.mix.threads; }, count(0, 64), kRestart,
          "Threads that mix; each room belongs to one. 0: one per core."),
  };
}

std::vector<Key> room_keys() {
  return {
      key(
          "jitter.min_ms", [](auto& s) -> auto& { return s.jitter.min_ms; }, milliseconds(0, 1000), kReload,
          "The jitter buffer's target never falls below this."),
      key(
          "jitter.max_ms", [](auto& s) -> auto& { return s.jitter.max_ms; }, milliseconds(20, 1000), kReload,
          "The jitter buffer's target never grows above this: what comes later is lost."),
      key(
          "rooms.idle_timeout", [](auto& s) -> auto& { return s.rooms.idle_timeout; }, duration(1s, 24h),
          kReload, "A room without people is closed after this."),
      key(
          "rooms.leg_timeout", [](auto& s) -> auto& { return s.rooms.leg_timeout; }, duration(2s, 10min),
          kReload, "A participant from whom nothing has come for this long is gone."),
      key(
          "rooms.max_participants", [](auto& s) -> auto& { return s.rooms.max_participants; },
          count(1, 10'000), kReload, "Participants of a room that states no limit of its own."),
      key(
          "rooms.direct", [](auto& s) -> auto& { return s.rooms.direct; }, direct(), kReload,
          "Whether the sound of a call of two may go from peer to peer: auto, when nothing needs it on the "
          "server; never; always, as auto but tried again every 10 s after a failure."),
      key(
          "rooms.direct_probing", [](auto& s) -> auto& { return s.rooms.direct_probing; }, yes_or_no(),
          kReload,
          "Whether the two ends of a call that finds no direct path may send checks to ports that nobody has "
          "named, at most 512 each and once in a call, to get through NATs that hide them."),
      key(
          "rooms.state_file", [](auto& s) -> auto& { return s.rooms.state_file; },
          optional_path("a file, or \"\" for none"), kRestart,
          "What outlives a restart of the server: who was in which room, so that they come back as the same "
          "participants, and which tokens for one join were used. \"\": nothing."),
      key(
          "calls.ring_timeout", [](auto& s) -> auto& { return s.calls.ring_timeout; }, duration(5s, 5min),
          kReload, "How long a call rings before its caller hears that there is no answer."),
      key(
          "calls.per_minute", [](auto& s) -> auto& { return s.calls.per_minute; }, count(1, 1'000), kReload,
          "Calls of one caller."),
      key(
          "alarm.delay_ms", [](auto& s) -> auto& { return s.alarm.delay_ms; }, milliseconds(1, 10'000),
          kReload,
          "A leg whose audio is delayed by more than this in the server counts as an alarm in the metrics."),
  };
}

std::vector<Key> broadcast_keys() {
  return {
      key(
          "streaming.allow", [](auto& s) -> auto& { return s.streaming.allow; }, stream_rules(), kReload,
          "Where streams may go. SCHEME://HOST[:PORT[-PORT]]; a HOST of * or *.example.org means public "
          "addresses only, "
          "a name or a network that is listed may be private. What no rule allows is refused."),
      key(
          "streaming.file_root", [](auto& s) -> auto& { return s.streaming.file_root; },
          optional_path("a folder, or \"\" for none"), kReload,
          "Where streams to file: are written. \"\": nowhere."),
      key(
          "streaming.hls_root", [](auto& s) -> auto& { return s.streaming.hls_root; },
          optional_path("a folder, or \"\" for a temporary one"), kRestart,
          "Where the segments of HLS streams are kept while they run, and a minute longer."),
      key(
          "streaming.picture", [](auto& s) -> auto& { return s.streaming.picture; },
          optional_path("the path of a picture, or \"\" for none"), kReload,
          "What streams with \"video\": \"picture\" show."),
      key(
          "streaming.ca_file", [](auto& s) -> auto& { return s.streaming.ca_file; },
          optional_path("the path of a PEM file, or \"\" for the system's"), kReload,
          "The certificate authorities that RTMPS servers are trusted by."),
      hidden(key(
          "streaming.start", [](auto& s) -> auto& { return s.streaming.start; }, started_streams(), kRestart,
          "Streams that begin with the server; their rooms are made and stay, with nobody in them too.")),
      key(
          "playback.directory", [](auto& s) -> auto& { return s.playback.directory; },
          optional_path("a folder, or \"\" for none"), kReload,
          "The files that may be played into rooms, by their names below this folder. \"\": none."),
      key(
          "playback.join_chime", [](auto& s) -> auto& { return s.playback.join_chime; },
          optional_path("a file below playback.directory, or \"\" for none"), kReload,
          "Played into a room when somebody joins."),
      key(
          "playback.leave_chime", [](auto& s) -> auto& { return s.playback.leave_chime; },
          optional_path("a file below playback.directory, or \"\" for none"), kReload,
          "Played into a room when somebody leaves."),
  };
}

std::vector<Key> recording_keys() {
  return {
      key(
          "recording.directory", [](auto& s) -> auto& { return s.recording.directory; }, folder(), kRestart,
          "Where recordings and their index are kept; a relative path begins where the server was started."),
      key(
          "recording.auto", [](auto& s) -> auto& { return s.recording.automatic; }, yes_or_no(), kReload,
          "Record every room from its first participant on."),
      key(
          "recording.sync_ms", [](auto& s) -> auto& { return s.recording.sync_ms; },
          milliseconds(100, 60'000), kRestart,
          "How often what was recorded is forced to disk: the most that a power cut can cost."),
      key(
          "recording.min_free_mb", [](auto& s) -> auto& { return s.recording.min_free_mb; },
          count(0, 100'000'000), kRestart,
          "With fewer megabytes free all recordings end in order, and none begins by itself. 0: until the "
          "disk is "
          "full."),
      key(
          "recording.keep_days", [](auto& s) -> auto& { return s.recording.keep_days; }, count(0, 36'500),
          kReload, "Recordings older than this are deleted. 0: never."),
      key(
          "recording.max_gb", [](auto& s) -> auto& { return s.recording.max_gb; }, count(0, 1'000'000),
          kReload, "With more gigabytes in all the oldest recordings are deleted. 0: no limit."),
      key(
          "recording.hook", [](auto& s) -> auto& { return s.recording.hook; }, command(), kReload,
          "A program that hands a finished recording to storage; {folder}, {id} and {state} in its arguments "
          "are replaced. It is run until it returns 0, and the recording is kept until then. []: none."),
      key(
          "recording.hook_timeout", [](auto& s) -> auto& { return s.recording.hook_timeout; },
          duration(1s, 24h), kReload, "After this recording.hook is ended, and tried again later."),
      key(
          "recording.hook_removes", [](auto& s) -> auto& { return s.recording.hook_removes; }, yes_or_no(),
          kReload, "Delete a recording here once recording.hook has returned 0."),
      key(
          "recording.notice_file", [](auto& s) -> auto& { return s.recording.notice_file; },
          optional_path("a file below playback.directory, or \"\" for none"), kReload,
          "Said into a room when its recording begins, and again when somebody joins who has not heard it."),
      key(
          "recording.loudness", [](auto& s) -> auto& { return s.recording.loudness; }, yes_or_no(), kReload,
          "Measure each recording when it has ended, for its loudness tags and its picture, while nothing "
          "else "
          "wants the processor."),
      hidden(key(
          "webhooks.url", [](auto& s) -> auto& { return s.webhooks.url; },
          optional_path("an http or https URL, or \"\" for none"), kReload,
          "Where to POST what has happened: recording.finished, call.missed. \"\": nowhere.")),
      hidden(key(
          "webhooks.key", [](auto& s) -> auto& { return s.webhooks.key; }, secret(), kReload,
          "The key that signs the calls of webhooks.url (HMAC-SHA256).")),
      key(
          "webhooks.allow", [](auto& s) -> auto& { return s.webhooks.allow; }, webhook_rules(), kReload,
          "Where webhooks.url may lead; the rules are those of streaming.allow: a HOST of * means public "
          "addresses only, "
          "a name or a network that is listed may be private."),
  };
}

std::vector<Key> guard_keys() {
  return {
      hidden(key(
          "auth.admin_key", [](auto& s) -> auto& { return s.auth.admin_key; }, secret(), kReload,
          "The bearer key of the API under /api/v1. \"\": none, which is allowed on the loopback only.")),
      hidden(key(
          "auth.token_key", [](auto& s) -> auto& { return s.auth.token_key; }, secret(), kReload,
          "The key that signs tokens (HS256). \"\": no tokens, anybody may join; otherwise nobody joins "
          "without "
          "one.")),
      key(
          "limits.joins_per_second", [](auto& s) -> auto& { return s.limits.joins_per_second; },
          count(1, 100'000), kReload, "Joins of the whole server."),
      key(
          "limits.joins_per_second_per_address",
          [](auto& s) -> auto& { return s.limits.joins_per_second_per_address; }, count(1, 100'000), kReload,
          "Joins from one address; the loopback is exempt."),
      key(
          "limits.rooms", [](auto& s) -> auto& { return s.limits.rooms; }, count(1, 100'000), kReload,
          "Rooms of the whole server."),
      key(
          "limits.participants", [](auto& s) -> auto& { return s.limits.participants; }, count(1, 100'000),
          kReload, "Participants of the whole server."),
      key(
          "limits.body_bytes", [](auto& s) -> auto& { return s.limits.body_bytes; },
          whole_number("bytes", 65'536, 16'777'216), kReload, "The longest body of an HTTP request."),
      key(
          "limits.connections", [](auto& s) -> auto& { return s.limits.connections; }, count(1, 100'000),
          kReload, "HTTP and WebSocket connections at once."),
      key(
          "quality.interval", [](auto& s) -> auto& { return s.quality.interval; }, duration(1s, 60s), kReload,
          "How often the figures of every participant are taken, judged and logged."),
      key(
          "quality.alarm_mos", [](auto& s) -> auto& { return s.quality.alarm_mos; }, decimal(0, 4.4), kReload,
          "An estimated MOS below this makes a path bad: its participant and moderators are told. 0: never."),
      key(
          "quality.keep_days", [](auto& s) -> auto& { return s.quality.keep_days; }, count(0, 3'650), kReload,
          "How many days the figures are kept, in quality.db beside the recordings, with the addresses of "
          "the participants. 0: they are not written."),
      key(
          "quality.max_mb", [](auto& s) -> auto& { return s.quality.max_mb; }, whole_number("MB", 1, 100'000),
          kReload, "How much quality.db may hold; the oldest figures go first."),
      key(
          "log.level", [](auto& s) -> auto& { return s.log.level; }, log_level(), kReload,
          "The least severe message that is logged."),
  };
}

}  // namespace

const std::vector<Key>& table() {
  static const std::vector<Key> keys = [] {
    std::vector<Key> all;
    for (auto part : {http_keys(), media_keys(), mix_keys(), room_keys(), broadcast_keys(), recording_keys(),
                      guard_keys()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return keys;
}

}  // namespace parley::settings
