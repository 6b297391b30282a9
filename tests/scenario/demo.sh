#!/usr/bin/env bash
# The demo of the README, on free ports and in a folder of its own: demo.sh BIN_DIR SOURCE_DIR
set -euo pipefail
bin=$(cd "${1:?}" && pwd)
source=$(cd "${2:?}" && pwd)
for tool in espeak-ng gst-launch-1.0; do
  command -v "$tool" > /dev/null 2>&1 || { echo "SKIPPED: $tool is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The defaults that config/parley.yaml states, but for the ports and the folder of recordings.
sed -e 's/^\( *listen:\).*/\1 127.0.0.1:0/' -e "s|^  directory: recordings|  directory: $work/recordings|" \
  -e "s|^  state_file: recordings|  state_file: $work/recordings|" \
  "$source/config/parley.yaml" > "$work/parley.yaml"
"$source/scripts/demo" "$bin" "$work/parley.yaml" "$work/demo"
