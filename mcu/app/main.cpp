// parley-mcu: the command line of the server.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "mcu/app/app.hpp"
#include "mcu/app/recording_control.hpp"
#include "mcu/app/stream_control.hpp"
#include "mcu/recording/catalogue.hpp"
#include "pipelines/room_pipeline.hpp"
#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"

namespace {

constexpr int kBadConfig = 2;  // the configuration is wrong, or a port it names is in use

int fail(const std::string& what, int code) {
  std::fprintf(stderr, "parley-mcu: %s\n", what.c_str());
  return code;
}

int rebuild_index(const std::string& root) {
  parley::recording::PosixDisk disk(root);
  const auto catalogue = parley::recording::Catalogue::open(root, disk);
  if (!catalogue) return fail(catalogue.error().what, kBadConfig);
  const auto count = (*catalogue)->rebuild();
  if (!count) return fail(count.error().what, kBadConfig);
  std::printf("%zu recordings\n", *count);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{"Parley's server: an audio conference that everybody joins over one UDP port."};
  std::string config_path;
  bool check = false;
  bool rebuild = false;
  cli.add_option("-c,--config", config_path, "YAML configuration (without it: the built-in defaults)");
  cli.add_flag("--check-config", check,
               "print the effective configuration, or the error with its line, and exit");
  cli.add_flag("--rebuild-index", rebuild, "make the index of recordings anew from their folders, and exit");
  cli.set_version_flag("--version", "parley-mcu " PARLEY_VERSION);
  cli.footer(
      "Signals: SIGINT, SIGTERM close the rooms in order and stop; SIGHUP reads the configuration again.\n"
      "Exit codes: 0 stopped, 2 wrong command line or configuration, or a port is in use.");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = cli.exit(error);
    return code == 0 ? 0 : kBadConfig;
  }

  parley::settings::Settings settings;
  if (!config_path.empty()) {
    const auto loaded = parley::settings::load(config_path);
    if (!loaded) return fail(loaded.error().what, kBadConfig);
    settings = *loaded;
  }
  if (check) {
    if (const auto usable = parley::app::StreamControl::check(settings); !usable)
      return fail(usable.error().what, kBadConfig);
    if (const auto usable = parley::app::RecordingControl::check(settings); !usable)
      return fail(usable.error().what, kBadConfig);
    std::printf("%s", parley::settings::to_yaml(settings).c_str());
    return 0;
  }
  if (rebuild) return rebuild_index(settings.recording.directory);
  // A peer that hangs up ends its connection, not the server.
  std::signal(SIGPIPE, SIG_IGN);
  parley::name_this_thread("ctl");
  parley::pipelines::init();
  auto app = parley::app::App::open(settings, config_path);
  if (!app) return fail(app.error().what, kBadConfig);
  (*app)->handle_signals();
  const auto http =
      (settings.http.tls.certificate.empty() ? "http://" : "https://") + (*app)->http().to_string();
  parley::log::info("listening: HTTP and WebSocket on {}, media on UDP {}", http,
                    (*app)->media().to_string());
  parley::log::info("join with a browser: {}/   or: parley join ROOM --server {}", http, http);
  (*app)->run();
  parley::log::info("stopped");
  return 0;
}
