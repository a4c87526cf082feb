#!/usr/bin/env bash
# The nf-test suites, where nf-test is on PATH: run_nf_test.sh ENVIRONMENTS
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v nf-test >/dev/null; then
    echo "nf-test is not on PATH: its suites are not run (pytest covers the same processes)"
    exit 0
fi
PATH="$1/.nextflow:$PATH" nf-test test --profile test,venv
