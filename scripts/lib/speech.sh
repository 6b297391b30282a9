# make_speech DIR: three voices by espeak-ng, made once. Each has moments of its own (whoever speaks alone must hear
# silence) and moments together with others. Sourced.

# say FILE DELAY_MS ESPEAK_OPTIONS... TEXT: speech with silence in front (espeak-ng drops a leading break).
say() {
  local file=$1 delay=$2
  shift 2
  local raw=$file.part
  espeak-ng -m -w "$raw" "$@"
  local caps="audio/x-raw,format=S16LE,rate=22050,channels=1,layout=interleaved"
  gst-launch-1.0 -q concat name=c ! wavenc ! filesink location="$file" \
    audiotestsrc wave=silence samplesperbuffer=2205 num-buffers=$((delay / 100)) ! "$caps" ! c. \
    filesrc location="$raw" ! wavparse ! audioconvert ! "$caps" ! c.
  rm -f "$raw"
}

make_speech() {
  local dir=$1 tool
  for tool in espeak-ng gst-launch-1.0; do
    command -v "$tool" >/dev/null 2>&1 || { echo "error: $tool is not installed" >&2; return 1; }
  done
  [ -s "$dir/carol.wav" ] && return 0
  echo "== making speech with espeak-ng in $dir/"
  say "$dir/alice.wav" 1000 -v en-gb+m3 -s 155 '<speak>Good morning, this is Alice. Shall we begin with the plan?
    <break time="9000ms"/> I agree with both of you, let us write that down and move on to the next point.</speak>'
  say "$dir/bob.wav" 6500 -v en-us+f2 -s 160 '<speak>Bob speaking. The server has been running since Monday.
    <break time="3500ms"/> And the new mixer is ready, we measured it again yesterday evening.</speak>'
  say "$dir/carol.wav" 13500 -v en+f4 -s 165 '<speak>Carol here, at the same time as everybody else.
    <break time="2500ms"/> Now I am the only one who says anything at all.</speak>'
}
