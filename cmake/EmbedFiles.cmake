# cmake -DOUT=assets.cpp -DFOLDER=dir -DFILES=a.html;b.js -P EmbedFiles.cmake: text files as C++ string literals, so that
# the server carries its page with it. A literal may have 64 KiB; no file of the page comes near.
set(text "// Made by cmake/EmbedFiles.cmake.\n#include \"client/web/assets.hpp\"\n\nnamespace parley::web {\n"
    "namespace {\nconstexpr Asset kAssets[] = {\n")
foreach(name IN LISTS FILES)
  file(READ "${FOLDER}/${name}" content)
  string(FIND "${content}" ")parley_asset\"" clash)
  string(LENGTH "${content}" length)
  if(NOT clash EQUAL -1 OR length GREATER 65000)
    message(FATAL_ERROR "${name} cannot be embedded as one string literal")
  endif()
  string(APPEND text "    {\"${name}\", R\"parley_asset(${content})parley_asset\"},\n")
endforeach()
string(APPEND text "};\n}  // namespace\n\nstd::span<const Asset> assets() {\n  return kAssets;\n}\n\n}  // namespace parley::web\n")
file(WRITE "${OUT}" "${text}")
