// How often this test program has called operator new: for code that must not allocate.
#pragma once

#include <cstddef>

namespace parley::media::testing {

std::size_t allocations();

}  // namespace parley::media::testing
