#!/usr/bin/env bash
# Check every Nextflow script and configuration against the strict syntax, the default of Nextflow from 26.04 on: by the
# user's own `nextflow lint` (25.04 or later), else by the same parser from Maven Central. Skipped, with the reason, where
# neither can be had.
#
#   NF_LANG_VERSION  version of the parser (25.04.0)      NF_LANG_HOME  where to keep it (~/.cache/nf-lang/VERSION)
set -euo pipefail

version=${NF_LANG_VERSION:-25.04.0}
home=${NF_LANG_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/nf-lang/$version}
here=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
cd "$here/.."

mapfile -t files < <(find main.nf nextflow.config conf workflows modules tests \
    \( -name '*.nf' -o -name '*.config' \) -not -path '*/.nf-test/*' | LC_ALL=C sort)

if nextflow lint -h >/dev/null 2>&1; then
    exec nextflow lint "${files[@]}"
fi

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
if ! command -v "$java" >/dev/null; then
    echo "strict syntax of Nextflow: not checked (no nextflow with lint, no Java)"; exit 0
fi
if [ ! -f "$home/nf-lang-$version.jar" ]; then
    command -v mvn >/dev/null || { echo "strict syntax of Nextflow: not checked (no nextflow with lint, no Maven)"; exit 0; }
    mkdir -p "$home"
    if ! mvn -q -B -f "$here/nf-lang-pom.xml" -Dnf.version="$version" dependency:copy-dependencies \
        -DoutputDirectory="$home" >"$home/log" 2>&1; then
        echo "strict syntax of Nextflow: not checked (Maven brings no nf-lang $version: $home/log)"; exit 0
    fi
fi
exec "$java" -cp "$home/*" "$here/StrictSyntax.java" "${files[@]}"
