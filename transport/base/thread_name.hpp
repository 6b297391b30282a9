// Every thread has a name: `ps -L`, gdb and the metrics show it.
#pragma once

#include <pthread.h>

#include <string>

namespace parley {

// At most 15 characters (the kernel's limit); longer names are cut.
inline void name_this_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace parley
