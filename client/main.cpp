// `parley`: the lightweight client.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "client/cli.hpp"
#include "client/commands.hpp"

namespace {

using namespace parley::client;

int run(const Command& command) {
  struct Runner {
    int operator()(const JoinCommand& join) const { return run_join(join); }
    int operator()(const CallCommand& call) const { return run_call(call); }
    int operator()(const AnswerCommand& answer) const { return run_answer(answer); }
    int operator()(const RoomsCommand& rooms) const { return run_rooms(rooms); }
    int operator()(const ModerateCommand& moderate) const { return run_moderate(moderate); }
    int operator()(const WhisperCommand& whisper) const { return run_whisper(whisper); }
    int operator()(const StreamCommand& stream) const { return run_stream(stream); }
    int operator()(const PlayCommand& play) const { return run_play(play); }
    int operator()(const DoctorCommand& doctor) const { return run_doctor(doctor); }
    int operator()(const RecordingsCommand& recordings) const { return run_recordings(recordings); }
  };
  return std::visit(Runner{}, command);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    // Standard output belongs to the command's own lines.
    spdlog::set_default_logger(spdlog::stderr_logger_mt("parley"));
    const char* key = std::getenv("PARLEY_ADMIN_KEY");
    const auto parsed = parse_command_line({argv + 1, argv + argc}, key != nullptr ? key : "");
    if (const auto* advice = std::get_if<Advice>(&parsed)) {
      std::fputs(advice->out.c_str(), stdout);
      std::fputs(advice->err.c_str(), stderr);
      return advice->exit_code;
    }
    return run(std::get<Command>(parsed));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "parley: %s\n", error.what());
    return kFailed;
  }
}
