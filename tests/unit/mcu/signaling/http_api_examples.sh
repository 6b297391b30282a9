#!/usr/bin/env bash
# The examples of docs/http-api.md, run as they stand and in their order against a real server.
#   http_api_examples.sh BIN_DIR SOURCE_DIR
set -euo pipefail
bin=$(cd "${1:?}" && pwd)
source=$(cd "${2:?}" && pwd)
. "$source/tests/support/processes.sh"
need curl

start_server "$bin"
cd "$work"
examples=$(awk '/^```sh$/ {inside = 1; next} /^```$/ {inside = 0} inside {print}' "$source/docs/http-api.md")
# Only the address is not that of a default server: this one listens on a free port.
examples=$(sed "s#^URL=.*#URL=$url#" <<< "$examples")
count=$(grep -c '^\(ID=\$(\)\?curl' <<< "$examples")
[ "$count" -ge 15 ] || die "only $count examples were found"
bash -euo pipefail -c "$examples" > output.txt || { cat output.txt; die "an example does not work"; }

grep -q '^a=fingerprint:sha-256 ' answer.sdp || die "the answer is not one of DTLS-SRTP"
grep -q '^a=ice-pwd:' output.txt || die "the ICE restart was not answered"
grep -q '^parley_rooms ' output.txt || die "no metrics"
grep -q '"name":"board"' output.txt || die "no room"
grep -q 'digraph' output.txt || die "no graph"
echo "$count examples work"
