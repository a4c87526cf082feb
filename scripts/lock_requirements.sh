#!/usr/bin/env bash
# Pin every stage's requirements.in to exact versions (Python 3.11, Linux): run after editing a requirements.in.
# tests/requirements.txt is the union; the stages are constrained to it, so that a test sees what a stage runs.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
pin() { # pins for Python 3.11 on Linux only: other versions' and systems' lines go
    "$uv" pip compile -q --python-version 3.11 --universal --no-header --no-annotate "$@" \
        | sed -E "/python_full_version >= '3\.12'|sys_platform == 'win32'/d; s/ ; python_full_version < '3\.12'//"
}
pin tests/requirements.in >tests/requirements.txt.new && mv tests/requirements.txt.new tests/requirements.txt
for input in containers/*/requirements.in; do
    output=${input%.in}.txt
    pin -c tests/requirements.txt "$input" >"$output.new" && mv "$output.new" "$output"
done
# with CUDA in place of the CPU's TensorFlow
for stage in train score; do
    cpu=containers/$stage/requirements.txt gpu=containers/$stage/requirements-gpu.txt
    { grep -v '^tensorflow' "$cpu"; sed -nE 's/^tensorflow-cpu(==[^ ]+).*/tensorflow[and-cuda]\1/p' "$cpu"; } >"$gpu.in"
    pin "$gpu.in" | sed 's/^tensorflow==/tensorflow[and-cuda]==/' >"$gpu.new" && mv "$gpu.new" "$gpu"
    rm "$gpu.in"
done
