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
# JAX in place of TensorFlow: the same networks, by the same Keras
for folder in tests containers/train containers/score; do
    { cat containers/train/requirements.in containers/score/requirements.in; echo keras; echo jax
      [ "$folder" != tests ] || sed '/requirements.in$/d' tests/requirements.in; } | grep -v '^tensorflow' >"$folder/jax.in"
    pin -c tests/requirements.txt "$folder/jax.in" >"$folder/requirements-jax.txt.new"
    mv "$folder/requirements-jax.txt.new" "$folder/requirements-jax.txt"; rm "$folder/jax.in"
done
for stage in train score; do # with CUDA: the CPU's pins, and what jax[cuda12] adds
    cpu=containers/$stage/requirements-jax.txt gpu=containers/$stage/requirements-jax-gpu.txt
    sed 's/^jax==/jax[cuda12]==/' "$cpu" >"$gpu.in"
    pin "$gpu.in" | sed 's/^jax==/jax[cuda12]==/' >"$gpu.new" && mv "$gpu.new" "$gpu"
    rm "$gpu.in"
done
# with CUDA in place of the CPU's TensorFlow
for stage in train score; do
    cpu=containers/$stage/requirements.txt gpu=containers/$stage/requirements-gpu.txt
    { grep -v '^tensorflow' "$cpu"; sed -nE 's/^tensorflow-cpu(==[^ ]+).*/tensorflow[and-cuda]\1/p' "$cpu"; } >"$gpu.in"
    pin "$gpu.in" | sed 's/^tensorflow==/tensorflow[and-cuda]==/' >"$gpu.new" && mv "$gpu.new" "$gpu"
    rm "$gpu.in"
done
