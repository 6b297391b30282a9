# await_server LOG PID: waits until the MCU that writes LOG listens; sets url and media_port. Sourced.

await_server() {
  local log=$1 pid=$2
  for _ in $(seq 200); do
    if grep -q 'listening:' "$log" 2>/dev/null; then
      url=$(sed -n 's/.*listening:.*\(http:\/\/[^,]*\),.*/\1/p' "$log" | tail -n 1)
      media_port=$(sed -n 's/.*listening:.*UDP .*:\([0-9]*\)$/\1/p' "$log" | tail -n 1)
      return 0
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "the MCU did not start:" >&2
  tail -n 5 "$log" >&2
  return 1
}
