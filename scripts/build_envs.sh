#!/usr/bin/env bash
# One Python environment per stage, for machines without a container engine:
#   build_envs.sh OUT_DIR [NAME...]      containers/NAME/requirements.txt -> OUT_DIR/NAME   (NAME `test`: tests/requirements.txt)
# NAME-jax (train-jax, score-jax, test-jax) has JAX in TensorFlow's place: requirements-jax.txt; where GPU=jax is set, JAX
# for CUDA (requirements-jax-gpu.txt).
# The environments that score (score, test) get the engine in native/ too, where there is a C++ compiler.
# Built with uv (taken from PATH, else installed into OUT_DIR/.uv). An environment whose requirements did not change is
# left alone; stages with equal requirements share one by a link.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1; shift
[ $# -gt 0 ] || set -- $(cd containers && ls -d */ | tr -d /)
python=${VENV_PYTHON:-python3.11}
command -v "$python" >/dev/null || { echo "build_envs: no $python on PATH: install Python 3.11 or set VENV_PYTHON" >&2; exit 1; }
mkdir -p "$out"; out=$(cd "$out" && pwd)
exec 9>"$out/.lock"; flock 9
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    [ -x "$out/.uv/bin/uv" ] || { "$python" -m venv "$out/.uv" && "$out/.uv/bin/pip" install -q --disable-pip-version-check uv; }
    uv=$out/.uv/bin/uv
fi
declare -A first=()
engine=$(cat native/setup.py native/pyproject.toml native/accessiflow_native/*.py native/src/* | sha256sum | cut -c1-16)
for name; do
    stage=${name%-jax} kind=${name#"${name%-jax}"}
    folder=containers/$stage; [ "$stage" = test ] && folder=tests
    if [ -n "$kind" ] && [ "${GPU:-}" = jax ] && [ "$stage" != test ]; then kind=-jax-gpu; fi
    requirements=$folder/requirements$kind.txt
    want=$({ cat "$requirements"; "$python" -V; } | sha256sum | cut -c1-16)
    same=${first[$want]:-}
    if [ -n "$same" ]; then
        [ "$(readlink "$out/$name" || true)" = "$same" ] || { rm -rf "${out:?}/$name"; ln -s "$same" "$out/$name"; }
    else
        first[$want]=$name
        if [ -L "$out/$name" ] || [ "$(cat "$out/$name/.built" 2>/dev/null)" != "$want" ]; then
            rm -rf "${out:?}/$name"
            "$uv" venv -q --python "$python" "$out/$name"
            "$uv" pip install -q --compile-bytecode --python "$out/$name/bin/python" -r "$requirements"
            echo "$want" >"$out/$name/.built"
            echo "build_envs: built $name" >&2
        fi
    fi
    case $stage in score|test)
        [ "$(cat "$out/$name/.native" 2>/dev/null)" = "$engine" ] && continue
        if "$uv" pip install -q --no-deps --reinstall --python "$out/$name/bin/python" ./native; then echo "$engine" >"$out/$name/.native"
        else echo "build_envs: $name goes without the compiled engine: the framework will compute in its place" >&2; fi
    esac
done
