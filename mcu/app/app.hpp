// The server: wiring of settings, rooms, signalling and the media plane. No logic of its own.
//
// Threads: open() and run() on the thread that becomes `ctl`; request_stop() from any thread.
#pragma once

#include <memory>
#include <string>

#include "mcu/settings/settings.hpp"
#include "transport/base/address.hpp"
#include "transport/base/result.hpp"

namespace parley::app {

class App {
 public:
  // Takes the ports. `config_path` is read again on SIGHUP; empty: there is nothing to read again. The error
  // names the key and address of a port that is in use.
  static Result<std::unique_ptr<App>> open(const settings::Settings& settings,
                                           const std::string& config_path);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  Address http() const;
  Address media() const;

  // SIGINT and SIGTERM stop, SIGHUP reloads: for the program. Tests that run several servers leave signals
  // alone.
  void handle_signals();
  // Until it is told to stop: rooms are closed in order, clients are told why, then it returns.
  void run();
  void request_stop();

 private:
  class Impl;
  explicit App(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::app
