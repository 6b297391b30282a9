#!/usr/bin/env bash
# Streams of a call of three to real servers, started here on free ports of loopback: pushed, pulled back, judged by
# their keyed tones; endpoints killed and brought back; refusals. Needs what scripts/test-streams installs; a part whose
# server is missing is skipped with a line that says so.
#   endpoints.sh BIN_DIR SOURCE_DIR [SECONDS]
set -euo pipefail
bin=$(cd "${1:?}" && pwd)
source=$(cd "${2:?}" && pwd)
seconds=${3:-30}
. "$source/tests/support/processes.sh"
need curl jq ffmpeg ffprobe
failures=0
skipped=()

check() {  # WHAT COMMAND...
  local what=$1
  shift
  if "$@" > "$work/check.out" 2>&1; then
    echo "ok      $what$(sed -n '2,$p' "$work/check.out" | sed 's/^/\n            /' | head -4)"
  else
    echo "FAILED  $what"
    sed 's/^/            /' "$work/check.out" | tail -8
    failures=$((failures + 1))
  fi
}
have() {  # WHAT COMMAND: whether this part can be run
  command -v "$2" > /dev/null 2>&1 && return 0
  echo "SKIPPED $1: $2 is not installed (scripts/test-streams installs it)"
  skipped+=("$1")
  return 1
}
free_tcp_port() {
  local port
  for _ in $(seq 200); do
    port=$((20000 + RANDOM % 20000))
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || { echo "$port"; return; }
  done
  die "no free TCP port"
}

# --- Endpoints

start_icecast() {
  mkdir -p "$work/ice/log"
  chmod 755 "$work" "$work/ice"
  chmod 777 "$work/ice/log"
  cat > "$work/ice/ice.xml" <<X
<icecast><limits><clients>50</clients><sources>30</sources><queue-size>524288</queue-size><client-timeout>30</client-timeout>
<header-timeout>15</header-timeout><source-timeout>3</source-timeout><burst-on-connect>0</burst-on-connect></limits>
<authentication><source-password>srcpw</source-password><relay-password>relpw</relay-password><admin-user>admin</admin-user>
<admin-password>admpw</admin-password></authentication><hostname>localhost</hostname>
<listen-socket><port>$ice_port</port><bind-address>127.0.0.1</bind-address></listen-socket><fileserve>1</fileserve>
<paths><basedir>/usr/share/icecast2</basedir><logdir>$work/ice/log</logdir><webroot>/usr/share/icecast2/web</webroot>
<adminroot>/usr/share/icecast2/admin</adminroot></paths>
<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
<security><chroot>0</chroot></security></icecast>
X
  if [ "$(id -u)" -eq 0 ]; then  # it refuses to run as root
    setpriv --reuid=65534 --regid=65534 --clear-groups icecast2 -c "$work/ice/ice.xml" > "$work/ice/out" 2>&1 &
  else
    icecast2 -c "$work/ice/ice.xml" > "$work/ice/out" 2>&1 &
  fi
  ice_pid=$!
  children+=("$ice_pid")
}
start_rtmp() {
  mkdir -p "$work/rtmp/logs" "$work/rtmp/rec" "$work/rtmp/body"
  chmod 777 "$work/rtmp/rec"
  cat > "$work/rtmp/nginx.conf" <<X
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log logs/error.log info;
events { worker_connections 64; }
rtmp { server { listen 127.0.0.1:$rtmp_port; chunk_size 4096; ping 5s; ping_timeout 5s;
  application live { live on; record all; record_path $work/rtmp/rec; record_suffix .flv; record_unique on; }
  application auth { live on; notify_method get; on_publish http://127.0.0.1:$hook_port/auth; } } }
http { access_log off; client_body_temp_path body; proxy_temp_path body; fastcgi_temp_path body; uwsgi_temp_path body;
  scgi_temp_path body; server { listen 127.0.0.1:$hook_port; location / { return 403; } } }
X
  nginx -p "$work/rtmp" -e logs/boot.log -c nginx.conf > "$work/rtmp/out" 2>&1 &
  rtmp_pid=$!
  children+=("$rtmp_pid")
}
# TLS in front of it, by a certificate of our own authority for "localhost" only.
start_rtmps() {
  mkdir -p "$work/tls/logs"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-authority -keyout "$work/tls/ca.key" \
    -out "$work/tls/ca.pem" 2> /dev/null
  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$work/tls/key.pem" -out "$work/tls/request" 2> /dev/null
  openssl x509 -req -days 2 -in "$work/tls/request" -CA "$work/tls/ca.pem" -CAkey "$work/tls/ca.key" -CAcreateserial \
    -extfile <(echo subjectAltName=DNS:localhost) -out "$work/tls/cert.pem" 2> /dev/null
  cat > "$work/tls/nginx.conf" <<X
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log logs/error.log info;
events { worker_connections 64; }
stream { server { listen 127.0.0.1:$rtmps_port ssl; ssl_certificate $work/tls/cert.pem; ssl_certificate_key $work/tls/key.pem;
  proxy_pass 127.0.0.1:$rtmp_port; } }
X
  nginx -p "$work/tls" -e logs/boot.log -c nginx.conf > "$work/tls/out" 2>&1 &
  children+=("$!")
}
start_srt() {
  srt-live-transmit -q -a:yes "srt://127.0.0.1:$srt_in?mode=listener&passphrase=secret12345&pbkeylen=16" \
    "srt://127.0.0.1:$srt_out?mode=listener" > "$work/srt.out" 2>&1 &
  srt_pid=$!
  children+=("$srt_pid")
}

# --- The API

api() { curl -sS -m 10 -X "$1" "$url/api/v1/rooms/$2" ${3:+-H 'Content-Type: application/json' -d "$3"}; }
start_stream() { api POST "$1/streams" "$2" | jq -r '.id // error(.detail)'; }   # ROOM BODY
state() { api GET "$1/streams/$2" | jq -r .state; }
cause() { api GET "$1/streams/$2" | jq -r '.cause // ""'; }
is_live() { [ "$(state "$1" "$2")" = live ]; }
not_live() { ! is_live "$1" "$2"; }
failed_with() { cause "$1" "$2" | grep -qiE "$3"; }
metric() { curl -sS "$url/metrics" | awk -v n="$1" '$1 == n {print $2}'; }

# pull NAME INPUT_ARGUMENTS...: in the background, as a WAV of $seconds.
pull() {
  local name=$1
  shift
  ffmpeg -nostdin -v error -y "$@" -t "$seconds" -ac 1 -ar 48000 "$work/$name.wav" > "$work/$name.err" 2>&1 &
  pulls+=("$!")
  children+=("$!")
}
tones() { "$bin/parley-listen" --keyed "$work/$1.wav" "$(awk "BEGIN {print $seconds - 1.5}")" 500 1100 2100; }

ice_port=$(free_tcp_port) rtmp_port=$(free_tcp_port) rtmps_port=$(free_tcp_port) hook_port=$(free_tcp_port)
srt_in=$(free_udp_port) srt_out=$(free_udp_port) srt_listen=$(free_udp_port) rtp_port=$(free_udp_port)
mkdir -p "$work/files"
authority=""
if command -v openssl > /dev/null && [ -e /usr/lib/nginx/modules/ngx_stream_module.so ]; then
  start_rtmps
  authority="$work/tls/ca.pem"
fi
ffmpeg -nostdin -v error -y -f lavfi -i color=red:size=200x100 -frames:v 1 "$work/red.png"
start_server "$bin" "streaming:
  picture: \"$work/red.png\"
  allow: [\"icecast://127.0.0.0/8\", \"rtmp://127.0.0.0/8\", \"rtmps://localhost\", \"rtmps://127.0.0.1\", \"srt://127.0.0.0/8\", \"srt://0.0.0.0:$srt_listen\",
    \"rtp://127.0.0.0/8\", \"icecast://nowhere.invalid\", \"hls:\", \"file:\"]
  file_root: \"$work/files\"
  ca_file: \"$authority\"
recording: {directory: \"$work/recordings\"}"
for voice in ann:500 ben:1100 cyn:2100; do
  "$bin/parley" join call --server "$url" --name "${voice%:*}" --input "tone:${voice#*:}" --output null \
    --duration 600 > "$work/${voice%:*}.out" 2>&1 &
  children+=("$!")
done
people() { [ "$(api GET call | jq .participants)" = 3 ]; }
wait_for 20 "three participants" people
sleep 3  # their jitter buffers find their depth

# --- 1. Everything at once: pushed and pulled back
echo "== $seconds s of a call of three, pushed and pulled back"
api POST call/recording/start > /dev/null  # what the room itself says it heard, to compare with
skips_before=$(metric parley_ticks_skipped_total)
pulls=()
declare -A id
if have Icecast icecast2; then
  start_icecast
  wait_for 10 "Icecast" curl -sf "http://127.0.0.1:$ice_port/status-json.xsl" -o /dev/null
  for format in opus mp3 aac vorbis; do
    id[$format]=$(start_stream call "{\"url\":\"icecast://source:srcpw@127.0.0.1:$ice_port/$format\",\"codec\":\"$format\"}")
    wait_for 10 "Icecast $format" is_live call "${id[$format]}"
    pull "icecast-$format" -i "http://127.0.0.1:$ice_port/$format"
  done
fi
if have RTMP nginx && [ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ]; then
  start_rtmp
  sleep 0.5
  id[rtmp]=$(start_stream call "{\"url\":\"rtmp://127.0.0.1:$rtmp_port/live/room\"}")
  wait_for 10 "RTMP" is_live call "${id[rtmp]}"
  pull rtmp -i "rtmp://127.0.0.1:$rtmp_port/live/room"
  id[video]=$(start_stream call "{\"url\":\"rtmp://127.0.0.1:$rtmp_port/live/video\",\"video\":\"black\"}")
  id[picture]=$(start_stream call "{\"url\":\"rtmp://127.0.0.1:$rtmp_port/live/picture\",\"video\":\"picture\"}")
fi
if [ -n "${id[rtmp]:-}" ] && [ -n "$authority" ]; then
  id[rtmps]=$(start_stream call "{\"url\":\"rtmps://localhost:$rtmps_port/live/secure\"}")
  wait_for 10 "RTMPS" is_live call "${id[rtmps]}"
  pull rtmps -i "rtmp://127.0.0.1:$rtmp_port/live/secure"
else
  echo "SKIPPED RTMPS: nginx with RTMP, its stream module or openssl is not installed"
  skipped+=(RTMPS)
fi
if have "SRT relay" srt-live-transmit; then
  start_srt
  sleep 0.5
  id[srt]=$(start_stream call "{\"url\":\"srt://127.0.0.1:$srt_in?passphrase=secret12345\"}")
  wait_for 10 "SRT" is_live call "${id[srt]}"
  pull srt -analyzeduration 1M -i "srt://127.0.0.1:$srt_out?mode=caller"
fi
id[srt_server]=$(start_stream call "{\"url\":\"srt://:$srt_listen?mode=listener\",\"codec\":\"opus\"}")
wait_for 10 "SRT listener" is_live call "${id[srt_server]}"
pull srt-listener -analyzeduration 1M -i "srt://127.0.0.1:$srt_listen?mode=caller"
id[rtp]=$(start_stream call "{\"url\":\"rtp://127.0.0.1:$rtp_port\"}")
api GET "call/streams/${id[rtp]}" | jq -r .sdp > "$work/room.sdp"
pull rtp -protocol_whitelist file,udp,rtp -i "$work/room.sdp"
id[hls]=$(start_stream call '{"url":"hls:"}')
wait_for 15 "HLS" curl -sf "$url/hls/call/live.m3u8" -o /dev/null
pull hls -live_start_index 0 -i "$url/hls/call/master.m3u8"
id[file]=$(start_stream call '{"url":"file:call.opus"}')
for pid in "${pulls[@]}"; do wait "$pid" || true; done
sleep 2
api POST call/recording/stop > /dev/null
skips=$(($(metric parley_ticks_skipped_total) - skips_before))
api DELETE "call/streams/${id[file]}" > /dev/null
sleep 1
ffmpeg -nostdin -v error -y -i "$work/files/call.opus" -t "$seconds" -ac 1 -ar 48000 "$work/file.wav" || true
recorded() { find "$work/recordings" -name mixdown.opus -size +0; }
wait_for 10 "the recording" [ -n "$(recorded)" ]
ffmpeg -nostdin -v error -y -i "$(recorded)" -ac 1 -ar 48000 "$work/recording.wav" || true
check "the room's own recording, beside the streams ($skips ticks skipped: more than 0 means a machine that had no time)" \
  tones recording
for name in icecast-opus icecast-mp3 icecast-aac icecast-vorbis rtmp rtmps srt srt-listener rtp hls file; do
  [ -e "$work/$name.err" ] || [ "$name" = file ] || continue
  check "$name: three tones, no gap, right clock" tones "$name"
done
if [ -n "${id[video]:-}" ]; then
  has_video() { ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "$work"/rtmp/rec/video-*.flv | sort | paste -sd ' '; }
  check "RTMP with a black picture: $(has_video)" [ "$(has_video)" = "aac h264" ]
  colour() {  # red, green and blue of a frame in the middle, 0 to 255
    ffmpeg -nostdin -v error -ss 5 -i "$work"/rtmp/rec/picture-*.flv -frames:v 1 -vf scale=1:1 -f rawvideo -pix_fmt rgb24 - |
      od -An -tu1
  }
  check "RTMP with the configured picture, which is red:$(colour)" awk '$1 < 180 || $2 > 60 || $3 > 60 {exit 1}' <<< "$(colour)"
fi
check "no credentials in the log" sh -c "! grep -qE 'srcpw|secret12345|live/room|live/secure' '$work/mcu.log'"
check "none in the list" sh -c "! curl -s '$url/api/v1/rooms/call/streams' | grep -qE 'srcpw|secret12345'"

# --- 2. HLS in fragments, by the same players
echo "== HLS in fragmented MP4"
seconds_before=$seconds seconds=10
api DELETE "call/streams/${id[hls]}" > /dev/null
kept() { curl -sf "$url/hls/call/live.m3u8" | grep -q ENDLIST; }
wait_for 3 "the end of the playlist" kept
check "a stopped HLS stream stays for its players to end" kept
id[hls]=$(start_stream call '{"url":"hls:?segments=fmp4"}')
wait_for 15 "HLS in fragments" curl -sf "$url/hls/call/live.m3u8" -o /dev/null
ffmpeg -nostdin -v error -y -live_start_index 0 -i "$url/hls/call/master.m3u8" -t 10 -ac 1 -ar 48000 "$work/fmp4.wav" \
  > "$work/fmp4.err" 2>&1 || true
check "fmp4: three tones, no gap, right clock" tones fmp4
fmp4_types() {
  curl -sI "$url/hls/call/$(curl -s "$url/hls/call/live.m3u8" | grep m4s | tail -1)" | grep -qi "content-type: audio/mp4"
}
check "fmp4: segments are audio/mp4" fmp4_types
seconds=$seconds_before

# --- 3. One encode for all
echo "== 20 streams"
encodes() {  # over 3 s: Opus encodes, encodes for streams
  local opus other
  opus=$(metric parley_encodes_total) other=$(metric parley_stream_encodes_total)
  sleep 3
  echo $(($(metric parley_encodes_total) - opus)) $(($(metric parley_stream_encodes_total) - other))
}
read -r opus_before aac_before <<< "$(encodes)"
for i in $(seq 10); do
  start_stream call "{\"url\":\"file:o$i.opus\"}" > /dev/null
  start_stream call "{\"url\":\"file:a$i.aac\"}" > /dev/null
done
read -r opus_after aac_after <<< "$(encodes)"
check "20 more streams: Opus encodes in 3 s $opus_before -> $opus_after, others $aac_before -> $aac_after" \
  [ "$opus_after" -lt $((opus_before + 30)) -a "$aac_after" -lt $((aac_before + 30)) ]

# --- 4. Killed and brought back
echo "== endpoints killed and brought back"
back() {  # WHAT STREAM PID START_FUNCTION
  local what=$1 stream=$2 pid=$3 start=$4 begun
  kill -KILL "$pid" 2> /dev/null
  wait "$pid" 2> /dev/null || true
  wait_for 20 "$what to be missed" not_live call "$stream"
  sleep 4
  $start
  begun=$(date +%s%N)
  for _ in $(seq 100); do is_live call "$stream" && break; sleep 0.1; done
  local ms=$((($(date +%s%N) - begun) / 1000000))
  check "$what is live again $ms ms after its return" [ "$ms" -lt 5000 ]
}
# A server whose process is stopped: its system goes on taking what comes.
frozen() {  # WHAT STREAM PID
  local begun
  kill -STOP "$3"
  begun=$(date +%s%N)
  for _ in $(seq 200); do is_live call "$2" || break; sleep 0.1; done
  local ms=$((($(date +%s%N) - begun) / 1000000))
  check "$1, frozen, is missed after $ms ms: $(cause call "$2")" [ "$ms" -lt 22000 ]
  kill -CONT "$3"
  for _ in $(seq 100); do is_live call "$2" && break; sleep 0.1; done
  check "$1 is live again when it goes on" is_live call "$2"
}
lateness() {  # microseconds on average since the last call
  local sum count
  sum=$(metric parley_tick_lateness_seconds_sum) count=$(metric parley_tick_lateness_seconds_count)
  awk -v s="$sum" -v c="$count" -v s0="${late_sum:-0}" -v c0="${late_count:-0}" \
    'BEGIN {printf "%.0f", (c > c0) ? (s - s0) * 1e6 / (c - c0) : 0}'
  late_sum=$sum late_count=$count
}
lateness > "$work/late"
before=$(cat "$work/late")
skips_before=$(metric parley_ticks_skipped_total) ticks_before=$(metric parley_ticks_total)
[ -z "${id[opus]:-}" ] || back Icecast "${id[opus]}" "$ice_pid" start_icecast
[ -z "${id[rtmp]:-}" ] || back RTMP "${id[rtmp]}" "$rtmp_pid" start_rtmp
[ -z "${id[srt]:-}" ] || back SRT "${id[srt]}" "$srt_pid" start_srt
skips=$(($(metric parley_ticks_skipped_total) - skips_before)) ticks=$(($(metric parley_ticks_total) - ticks_before))
lateness > "$work/late"
echo "        ticks were late by $before us on average before, $(cat "$work/late") us while endpoints were killed and came back"
check "ticks skipped meanwhile: $skips of $ticks" [ $((skips * 100)) -lt "$ticks" ]

[ -z "${id[opus]:-}" ] || frozen Icecast "${id[mp3]}" "$ice_pid"
[ -z "${id[rtmp]:-}" ] || frozen RTMP "${id[rtmp]}" "$rtmp_pid"

# --- 5. Refusals
echo "== refusals"
refused() {  # STATUS BODY
  [ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d "$2" "$url/api/v1/rooms/call/streams")" = "$1" ]
}
check "an unknown scheme is refused" refused 400 '{"url":"gopher://x/y"}'
check "a host that is not listed is refused" refused 403 '{"url":"rtmp://10.0.0.1/a/b"}'
if [ -n "${id[opus]:-}" ]; then
  wrong=$(start_stream call "{\"url\":\"icecast://source:wrong@127.0.0.1:$ice_port/wrong\"}")
  wait_for 10 "the wrong password to be told" failed_with call "$wrong" 'password'
  check "a wrong password: $(cause call "$wrong")" failed_with call "$wrong" '401'
fi
if [ -n "${id[rtmp]:-}" ]; then
  denied=$(start_stream call "{\"url\":\"rtmp://127.0.0.1:$rtmp_port/auth/key\"}")
  wait_for 15 "the refused key to be told" failed_with call "$denied" 'publish'
  check "a refused key: $(cause call "$denied")" failed_with call "$denied" 'publish'
fi
if [ -n "${id[rtmps]:-}" ]; then
  stranger=$(start_stream call "{\"url\":\"rtmps://127.0.0.1:$rtmps_port/live/stranger\"}")
  wait_for 15 "the wrong certificate to be told" failed_with call "$stranger" 'certificate'
  check "a certificate for another name: $(cause call "$stranger")" failed_with call "$stranger" 'certificate'
fi
unknown=$(start_stream call '{"url":"icecast://p@nowhere.invalid/x"}')
wait_for 20 "the unknown host to be told" failed_with call "$unknown" 'unknown host'
check "an unknown host: $(cause call "$unknown")" failed_with call "$unknown" 'unknown host'

# --- 6. A room without people
echo "== a room without people"
empty=$(start_stream empty '{"url":"file:empty.opus"}')
wait_for 10 "the stream of an empty room" is_live empty "$empty"
sleep 4
api DELETE "empty/streams/$empty" > /dev/null
sleep 1
silent() { [ "$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$work/files/empty.opus" | cut -d. -f1)" -ge 3 ]; }
check "its file has seconds of silence" silent

lines=$(wc -l < "$work/mcu.log")
check "the log has $lines lines" [ "$lines" -lt 300 ]
[ ${#skipped[@]} -eq 0 ] || echo "NOT RUN: ${skipped[*]}"
if [ "$failures" -gt 0 ]; then
  cp "$work/mcu.log" /tmp/parley-streams-failed.log 2> /dev/null || true
  die "$failures checks of streams (the server's log: /tmp/parley-streams-failed.log)"
fi
echo "streams: all checks passed"
