#!/usr/bin/env bash
# The nf-test suites, where nf-test is on PATH: run_nf_test.sh ENVIRONMENTS [SUITE...]
# First the pipeline's suite, whose tasks' outputs are the inputs of the others; then the others, two at a time. With SUITEs
# only those, and the pipeline's before them only where bin/ is not what it was when the study was made.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v nf-test >/dev/null; then
    echo "nf-test is not on PATH: its suites are not run (pytest covers the same processes)"
    exit 0
fi
export VENVS=$1 PATH="$1/.nextflow:$PATH" NXF_OFFLINE=true NXF_ANSI_LOG=false OMP_NUM_THREADS=1
shift
folder=.nf-test-study
study=tests/nf-test/workflows/study.nf.test
code=$(find bin -name '*.py' | LC_ALL=C sort | xargs sha256sum | sha256sum)

if [ $# -eq 0 ] || [ "$(cat $folder/code 2>/dev/null)" != "$code" ]; then
    rm -rf $folder
    nf-test test $study
    echo "$code" > $folder/code
fi

if [ $# -eq 0 ]; then
    mapfile -t suites < <(find tests/nf-test -name '*.nf.test' ! -path $study | LC_ALL=C sort)
    set -- "${suites[@]}"
fi
# every other suite to each of the two: the neighbours of a room take about as long as each other
halves=([0]='' [1]='')
for ((i = 0; i < $#; i++)); do halves[i % 2]+=" ${*:i+1:1}"; done
pids=()
for half in "${halves[@]}"; do
    if [ -n "$half" ]; then
        # shellcheck disable=SC2086 # paths of suites have no spaces
        nf-test test $half & pids+=($!)
    fi
done
status=0
for pid in "${pids[@]}"; do wait "$pid" || status=1; done
exit $status
