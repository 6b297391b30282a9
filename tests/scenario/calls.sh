#!/usr/bin/env bash
# `parley call` and `parley answer` as programs, with their exit codes: calls.sh BIN_DIR SOURCE_DIR
set -euo pipefail
bin=$(cd "${1:?}" && pwd)
source=$(cd "${2:?}" && pwd)
. "$source/tests/support/processes.sh"
start_server "$bin" 'calls: {ring_timeout: 5s}'
parley=("$bin/parley")
quiet=(--output null --server "$url")

# expect CODE WHAT COMMAND...
expect() {
  local wanted=$1 what=$2 code=0
  shift 2
  "$@" > "$work/out" 2> "$work/err" || code=$?
  [ "$code" = "$wanted" ] || die "$what: exit code $code instead of $wanted: $(cat "$work/out" "$work/err")"
}
# answer LOG NAME OPTIONS...: in the background; its standard input stays open.
answer() {
  local log=$1 name=$2
  shift 2
  "${parley[@]}" answer --as "$name" --json --server "$url" "$@" > "$work/$log" 2>&1 < "$work/keys" &
  last=$!
  children+=("$last")
  wait_for 10 "$name" test -e "$work/$log"
  wait_for 10 "$name" grep -q '"type":"registered"' "$work/$log"
}
mkfifo "$work/keys"
exec 9<> "$work/keys"

# Accepted: both hear each other, and the one who hangs up ends it for both.
answer bob.log bob --auto --once --input tone:800 --output "$work/at-bob.wav"
bob=$last
expect 0 "a call that is taken" "${parley[@]}" call bob --name ann --server "$url" --json \
  --input tone:500 --output "$work/at-ann.wav" --duration 4s
grep -q '"type":"call-accepted"' "$work/out" || die "call-accepted is not told"
grep -q '"path":"direct"' "$work/out" || die "the call did not go direct"
wait "$bob" || die "answer --once ended with $?"
"$bin/parley-listen" --tones "$work/at-ann.wav" +800 -500 || die "ann does not hear bob"
"$bin/parley-listen" --tones "$work/at-bob.wav" +500 -800 || die "bob does not hear ann"
grep -q '"type":"summary".*"code":"hung-up"' "$work/bob.log" || die "bob is not told that ann has hung up"

# Declined at the keyboard, and nobody at the keyboard.
answer carol.log carol "${quiet[@]:0:2}" --input silence
( wait_for 10 "ringing" grep -qs '"type":"call-incoming"' "$work/carol.log"; echo n >&9 ) &
expect 8 "a call that is declined" "${parley[@]}" call carol --name ann "${quiet[@]}" --input silence
grep -q 'carol: declined' "$work/err" || die "declined is not said"
expect 10 "a call without an answer" "${parley[@]}" call carol --name ann "${quiet[@]}" --input silence
grep -q '"type":"call-missed".*"from":"ann"' "$work/carol.log" || die "the missed call is not told"

# Busy while somebody else calls; the one who hangs up before the answer has done what it wanted.
"${parley[@]}" call carol --name eve "${quiet[@]}" --input silence > "$work/eve.log" 2>&1 &
eve=$!
children+=("$eve")
wait_for 10 "eve's call" grep -q 'calling carol' "$work/eve.log"
expect 9 "a call to somebody who is busy" "${parley[@]}" call carol --name ann "${quiet[@]}" --input silence
kill -INT "$eve"
wait "$eve" || die "a call that is cancelled ends with $?"
wait_for 5 "the end of eve's call" grep -q '"reason":"cancelled"' "$work/carol.log"

expect 11 "a call to nobody" "${parley[@]}" call nobody --name ann "${quiet[@]}" --input silence
expect 4 "a name that is taken" "${parley[@]}" answer --as carol "${quiet[@]}" --input silence
expect 2 "a length of time that is none" "${parley[@]}" call bob --duration soon --server "$url"
expect 3 "no server" "${parley[@]}" call bob --server http://127.0.0.1:9 --output null --input silence
# What fails in the middle of a stay is named, and is the exit code: here a file that must not grow.
grow() { ( trap '' XFSZ; ulimit -f 200; exec "${parley[@]}" join standup --input silence --output "$work/full.wav" \
  --server "$url" --duration 20s ); }
expect 7 "an output that fails" grow
grep -q 'full.wav' "$work/err" || die "the output that failed is not named: $(cat "$work/err")"
! grep -q 'parley: left' "$work/err" || die "it says that it left"

echo "calls: accepted, declined, no answer, busy, cancelled, unreachable"
