// ICE user fragment and password (RFC 8445 section 5.3): 4 to 256 and 22 to 256 ice-chars.
#pragma once

#include <string>

namespace parley::ice {

struct Credentials {
  std::string ufrag;
  std::string pwd;

  static Credentials random();  // 8 and 24 characters
  bool valid() const;           // lengths and alphabet
};

}  // namespace parley::ice
