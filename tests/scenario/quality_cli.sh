#!/usr/bin/env bash
# What people see of quality: `parley join --json`, `parley rooms quality` and `parley doctor` against a real server.
#   quality_cli.sh BIN_DIR SOURCE_DIR
set -euo pipefail
bin=$(cd "${1:?}" && pwd)
source=$(cd "${2:?}" && pwd)
. "$source/tests/support/processes.sh"

start_server "$bin" 'quality: {interval: 1s}'
for voice in ann:500 ben:800; do
  "$bin/parley" join standup --server "$url" --name "${voice%:*}" --input "tone:${voice#*:}" --output null \
    --direct never --duration 7 --json > "$work/${voice%:*}.out" 2>&1 &
  children+=("$!")
done

"$bin/parley" doctor --server "$url" --only call > "$work/doctor.out" || { cat "$work/doctor.out"; die "doctor"; }
for direction in uplink downlink; do
  grep -Eq "^(ok|warn) +quality +$direction: estimated MOS [1-4]\.[0-9]" "$work/doctor.out" ||
    { cat "$work/doctor.out"; die "doctor does not judge the $direction"; }
done

both() { "$bin/parley" rooms quality standup --server "$url" > "$work/table" && grep -q '^ann .* [1-4]\.[0-9]$' "$work/table" && grep -q '^ben ' "$work/table"; }
wait_for 10 "figures of both" both
cat "$work/table"

for name in ann ben; do
  wait_for 15 "the end of $name" grep -q '"summary"' "$work/$name.out"
  grep -q '"type":"quality".*"path":"mcu-udp","local":"127.0.0.1:[0-9]*","remote":"127.0.0.1:[0-9]*"' "$work/$name.out" ||
    die "no quality in the output of $name"
  grep -q '"summary".*"mos":{"uplink_mean":[1-4]' "$work/$name.out" || die "no MOS in the summary of $name"
done

# The room's log, by name and time, page by page.
log() { "$bin/parley" rooms quality standup --server "$url" --log "$@"; }
log --limit 2 --from 2020-01-01 > "$work/log"
grep -q 'mcu-udp' "$work/log" || { cat "$work/log"; die "no log"; }
before=$(sed -n 's/^older rows: --before //p' "$work/log")
[ -n "$before" ] || die "no second page"
log --limit 2 --before "$before" | grep -q 'mcu-udp' || die "the second page is empty"
[ "$(log --to 2020-01-01)" = "no rows" ] || die "rows of another time"
if log --from yesterday > /dev/null 2>&1; then die "nonsense was taken"; fi
if "$bin/parley" rooms quality nobody --server "$url" > /dev/null 2>&1; then die "a room that is not there"; fi
echo "all seen"
