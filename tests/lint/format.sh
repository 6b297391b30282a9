#!/usr/bin/env bash
# clang-format finds nothing to change in any source file of the tree.
set -euo pipefail
cd "$1"
command -v clang-format >/dev/null 2>&1 || { echo "SKIPPED: clang-format is not installed"; exit 77; }
find transport pipelines mcu client tests -name '*.cpp' -o -name '*.hpp' | sort |
  xargs clang-format --dry-run --Werror
echo "all files are formatted"
