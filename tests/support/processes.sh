# Helpers of the shell tests: temporary folder, a server on free ports, and a clean end. Sourced.
# Sets: work (folder), and after start_server: url, media_port.

. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/server.sh"
work=$(mktemp -d)
children=()
finish() {
  local pid
  for pid in "${children[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${children[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

die() {
  echo "FAILED: $*" >&2
  exit 1
}

# need TOOL...: skips (ctest's code 77) when one is missing, loudly.
need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null 2>&1 || { echo "SKIPPED: $tool is not installed"; exit 77; }
  done
}

# An even UDP port that is free, as is the one above it.
free_udp_port() {
  local port hex
  for _ in $(seq 200); do
    port=$((20000 + 2 * (RANDOM % 20000)))
    hex=$(printf ':%04X\\|:%04X' "$port" $((port + 1)))
    cat /proc/net/udp /proc/net/udp6 2>/dev/null | awk '{print $2}' | grep -q "$hex" || { echo "$port"; return; }
  done
  die "no free UDP port"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  local limit=$1 what=$2 end
  shift 2
  end=$((SECONDS + limit))
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || die "still waiting for: $what"
    sleep 0.1
  done
}

# start_server BIN_DIR [extra YAML]: on ports that the kernel chooses; the log is in $work/mcu.log, recordings and
# the quality log below $work. BIN_DIR is absolute.
start_server() {
  local bin=$1 extra=${2:-}
  cat > "$work/parley.yaml" <<YAML
http: {listen: "127.0.0.1:0"}
media: {listen: "127.0.0.1:0", plain_rtp_from: [127.0.0.0/8]}
rooms: {state_file: "$work/state.db"}
$extra
YAML
  : > "$work/mcu.log"
  (cd "$work" && exec "$bin/parley-mcu" --config parley.yaml > mcu.log 2>&1) &
  server=$!
  children+=("$server")
  await_server "$work/mcu.log" "$server" || die "the server"
}
