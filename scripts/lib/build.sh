# build PRESET [TARGET...]: configure (when needed) and build one CMake preset. Sourced; run at the project's root.

build() {
  local preset=$1
  shift
  local launcher=()
  command -v ccache >/dev/null 2>&1 && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  echo "== configuring ($preset)"
  cmake --preset "$preset" "${launcher[@]}" >"build-$preset.log" 2>&1 || {
    cat "build-$preset.log" >&2
    rm -f "build-$preset.log"
    return 1
  }
  rm -f "build-$preset.log"
  echo "== building ($preset)"
  cmake --build --preset "$preset" ${1:+--target "$@"}
}
