# Debian 12 packages, by what needs them. Sourced; installs only what is missing and asks nothing.

RUN_PACKAGES=(
  g++ cmake ninja-build pkg-config mold
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-tools
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  libopus-dev libboost1.81-dev libboost-json1.81-dev libssl-dev libsrtp2-dev libyaml-cpp-dev libsqlite3-dev
  libspdlog-dev libcli11-dev prometheus-cpp-dev zlib1g-dev libcurl4-openssl-dev
  libflac-dev libebur128-dev libcairo2-dev fonts-dejavu-core
  espeak-ng
)
TEST_PACKAGES=(libgtest-dev libgmock-dev libbenchmark-dev ffmpeg opus-tools ccache clang-format clang-tidy curl)
BROWSER_PACKAGES=(chromium)
STREAM_TEST_PACKAGES=(icecast2 nginx-light libnginx-mod-rtmp libnginx-mod-stream openssl srt-tools jq)
FUZZ_PACKAGES=(clang lld libclang-rt-14-dev)

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    echo "error: installing packages needs root: run this as root or install sudo" >&2
    return 1
  fi
}

# need_packages NAME...: installs the missing ones, with progress.
need_packages() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: these packages are missing and this is not a Debian system: ${missing[*]}" >&2
    return 1
  fi
  echo "== installing ${#missing[@]} packages: ${missing[*]}"
  as_root apt-get update -qq || echo "warning: apt-get update failed; trying with the lists that are here" >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}
