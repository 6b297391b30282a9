// The commands themselves. Each returns the process's exit code.
#pragma once

#include "client/cli.hpp"

namespace parley::client {

int run_join(const JoinCommand& command);
int run_call(const CallCommand& command);
int run_answer(const AnswerCommand& command);
int run_rooms(const RoomsCommand& command);
int run_moderate(const ModerateCommand& command);
int run_whisper(const WhisperCommand& command);
int run_stream(const StreamCommand& command);
int run_play(const PlayCommand& command);
int run_doctor(const DoctorCommand& command);

}  // namespace parley::client
