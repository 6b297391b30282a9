// What a crash leaves in a recording's folder, made whole: each file is cut behind its last good page and
// closed, recording.json says `interrupted`. Doing it twice changes nothing. Threads: one (`disk`, or the
// command line). Blocks.
#pragma once

#include <optional>
#include <string>

#include "mcu/recording/disk.hpp"
#include "mcu/recording/manifest.hpp"

namespace parley::recording {

// The recording of this folder as it is; nothing when there is none. Without a readable recording.json it is
// made up from the files and their tags.
std::optional<Manifest> load_folder(const std::string& root, const std::string& folder);

// Repairs what was being recorded. Returns the manifest, which has been written.
Manifest repair_folder(Disk& disk, const std::string& root, Manifest manifest);

// Sizes and checksums of all files, into the manifest.
void measure_files(const std::string& root, Manifest& manifest);

// "YYYY/MM/DD/<id>", for a recording that begins at this time.
std::string folder_of(std::int64_t started_ms, const std::string& id);
bool valid_folder(std::string_view folder);

}  // namespace parley::recording
