#!/usr/bin/env bash
# The recipes of docs/recipes.md, run as they stand: gst-launch-1.0 and ffmpeg take part in a room beside a native
# client; the file that each wrote must hold the tones of the two others and not its own.
#   stock_peers.sh BIN_DIR SOURCE_DIR
set -euo pipefail
bin=$(cd "${1:?}" && pwd)
source=$(cd "${2:?}" && pwd)
. "$source/tests/support/processes.sh"
need curl gst-launch-1.0 ffmpeg
gst-inspect-1.0 opusenc > /dev/null 2>&1 || { echo "SKIPPED: GStreamer's opusenc is missing"; exit 77; }

# recipe NAME: the code block behind <!-- recipe: NAME -->.
recipe() {
  awk -v name="$1" '$0 == "<!-- recipe: " name " -->" {found = 1; next}
                    found && /^```sh$/ {inside = 1; next}
                    inside && /^```$/ {exit}
                    inside {print}' "$source/docs/recipes.md"
}
keyed_tone() {  # HZ FILE
  ffmpeg -nostdin -v error -y -f lavfi -i "aevalsrc=0.1*sin(2*PI*$1*t)*lt(mod(t\,0.5)\,0.3):s=48000:d=12" "$2"
}

start_server "$bin"
export URL=$url MEDIA_PORT=$media_port ROOM=stock
"$bin/parley" join stock --server "$url" --name native --input tone:500 --output "$work/native.wav" \
  --duration 12 --json > "$work/native.json" &
children+=($!)

peer() {  # NAME HZ LISTEN SPEAK
  mkdir -p "$work/$1"
  cd "$work/$1"
  export NAME=$1 PORT SSRC=$2$RANDOM SAID=said.wav HEARD=heard.wav
  PORT=$(free_udp_port)
  keyed_tone "$2" said.wav
  eval "$(recipe join)"
  ( eval "$(recipe "$3" | sed 's/^\(ffmpeg\|gst-launch\)/exec &/')" ) 2> listen.err &
  local listener=$!
  ( eval "$(recipe "$4")" ) 2> speak.err || true
  # gst-launch ends its file on SIGINT; ffmpeg, in the background, hears only SIGTERM.
  kill -INT "$listener" 2> /dev/null || true
  sleep 0.5
  kill -TERM "$listener" 2> /dev/null || true
  wait "$listener" 2> /dev/null || true
  eval "$(recipe leave)"
}
( peer gst 700 gst-listen gst-speak ) & gst=$!
( peer ffmpeg 900 ffmpeg-listen ffmpeg-speak ) & ffmpeg=$!
wait "$gst" || die "the GStreamer peer failed"
wait "$ffmpeg" || die "the ffmpeg peer failed"

"$bin/parley-listen" --tones "$work/gst/heard.wav" +500 -700 +900 || die "GStreamer heard the wrong tones"
"$bin/parley-listen" --tones "$work/ffmpeg/heard.wav" +500 +700 -900 || die "ffmpeg heard the wrong tones"
"$bin/parley-listen" --tones "$work/native.wav" -500 +700 +900 || die "the native client heard the wrong tones"
echo "stock peers hear each other, and nobody oneself"
