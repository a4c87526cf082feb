#!/usr/bin/env bash
# Build stages' images without a docker engine, and lay each out as a folder that `-profile charliecloud` finds:
#   build_image.sh [-r REGISTRY] [-o IMAGES] STAGE...    -> REGISTRY/accessiflow-STAGE:VERSION in buildah's storage,
#                                                           and IMAGES/img/REGISTRY%accessiflow-STAGE+VERSION
#   NXF_CHARLIECLOUD_CACHEDIR=IMAGES USER=$(id -un) nextflow run ... -profile test,charliecloud
# STAGE-KIND is the same stage with other packages, REGISTRY/accessiflow-STAGE:VERSION-KIND; KIND is gpu (TensorFlow with
# CUDA), jax (JAX in its place) or jax-gpu (JAX with CUDA), of train and score.
# Debian, as root: buildah, debootstrap, charliecloud and jq are installed where they lack. IMAGES is .images.
# The base image is used if buildah has it, else pulled; where no image registry is in reach it is made from Debian's
# packages (bookworm's python3 is 3.11) under the same name. A CA bundle or a proxy of the machine holds in the build too.
set -euo pipefail
cd "$(dirname "$0")/.."

registry=ghcr.io/accessiflow images=.images
while getopts r:o: option; do
    case $option in r) registry=$OPTARG ;; o) images=$OPTARG ;; *) exit 2 ;; esac
done
shift $((OPTIND - 1))
version=$(sed -nE "s/^ +version +=.*'([^']+)'.*/\1/p" nextflow.config)
debian=docker.io/library/debian:bookworm-slim
export DEBIAN_FRONTEND=noninteractive BUILDAH_ISOLATION=chroot

say() { printf 'build_image: %s\n' "$*" >&2; }

name_parts() { plain=${1%-gpu} plain=${plain%-jax} kind=${1#"$plain"}; } # STAGE[-jax][-gpu]: sets the stage and its kind

check_stages() { # STAGE...
    local stage
    for stage in "${@:-none}"; do
        name_parts "$stage"
        [ -f "containers/$plain/Dockerfile" ] && [ -f "containers/$plain/requirements$kind.txt" ] || { say "$stage is no stage; there are: $(cd containers && echo *)"; exit 2; }
    done
}

install_tools() {
    local missing=() tool
    for tool in buildah debootstrap charliecloud jq; do
        dpkg -s "$tool" >/dev/null 2>&1 || missing+=("$tool")
    done
    [ ${#missing[@]} -eq 0 ] || { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >/dev/null
}

choose_storage() { # overlay where the kernel lets us, else vfs (copies whole trees)
    [ -z "${STORAGE_DRIVER:-}" ] || return 0
    export STORAGE_DRIVER=overlay
    buildah info >/dev/null 2>&1 || STORAGE_DRIVER=vfs
}

trust_as_here() { # the machine's certificates beside the image's own, for pip
    mounts=()
    [ -f /etc/ssl/certs/ca-certificates.crt ] || return 0
    printf '[global]\ncert = /etc/ssl/host-ca.crt\n' >"$scratch/pip.conf"
    mounts=(--volume /etc/ssl/certs/ca-certificates.crt:/etc/ssl/host-ca.crt:ro --volume "$scratch/pip.conf:/etc/pip.conf:ro")
}

have() { buildah inspect --type image "$1" >/dev/null 2>&1; }

make_debian() {
    local tree=$scratch/bookworm container
    say "debootstrap for $debian"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$tree" >"$scratch/debootstrap.log" 2>&1 \
        || { tail -5 "$scratch/debootstrap.log" >&2; return 1; }
    rm -rf "$tree"/var/cache/apt/*.bin "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale}/*
    printf 'Dir::Cache::%s "";\n' pkgcache srcpkgcache >"$tree/etc/apt/apt.conf.d/docker-clean" # as the official image: no caches in later layers
    container=$(buildah from scratch)
    buildah add -q "$container" "$tree" / >/dev/null
    buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit -q --rm "$container" "$debian" >/dev/null
    rm -rf "$tree"
}

make_python() { # NAME: Debian with python3 and pip as the official image names them
    local container
    bring_base "$debian"
    say "Debian's python3 as $1"
    container=$(buildah from "$debian")
    buildah run --network=host "${mounts[@]}" "$container" -- sh -ec '
        apt-get update -q && apt-get install -y -q --no-install-recommends python3 python3-pip ca-certificates
        rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /usr/lib/python3*/EXTERNALLY-MANAGED
        for name in python python3; do ln -sf /usr/bin/python3 "/usr/local/bin/$name"; done
        ln -sf /usr/bin/pip3 /usr/local/bin/pip' >"$scratch/python.log" 2>&1 || { tail -5 "$scratch/python.log" >&2; return 1; }
    buildah config --cmd python3 "$container"
    buildah commit -q --rm "$container" "$1" >/dev/null
}

bring_base() { # full name of a base image
    have "$1" && return 0
    timeout "${PULL_TIMEOUT:-120}" buildah pull -q "$1" >/dev/null 2>&1 && return 0
    case $1 in
        "$debian") make_debian ;;
        docker.io/library/python:3.11-slim-bookworm) make_python "$1" ;;
        *) say "no base image $1: not in reach, and no recipe for it"; return 1 ;;
    esac
}

build() { # STAGE KIND IMAGE
    local file=containers/$1/Dockerfile base revision
    while read -r base; do bring_base "docker.io/library/$base"; done < <(awk 'toupper($1) == "FROM" { print $2 }' "$file" | sort -u)
    revision=$(git describe --always --abbrev=40 --dirty 2>/dev/null || echo unknown)
    say "build $3"
    buildah bud -q --layers --isolation=chroot --network=host --pull-never "${mounts[@]}" -f "$file" -t "$3" \
        --build-arg "REQUIREMENTS=requirements$2.txt" \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)" . >"$scratch/build.log" 2>&1 \
        || { tail -20 "$scratch/build.log" >&2; return 1; }
}

lay_out() { # IMAGE: a folder for ch-run under the name that Nextflow looks for: the files, the places that are mounted on, the environment
    local name=${1//\//%} container tree
    local out=$images/img/${name//:/+}
    mkdir -p "$images"/{img,dlcache} # both, or Nextflow takes it for no store of images
    container=$(buildah from --pull-never "$1")
    tree=$(buildah mount "$container")
    rm -rf "$out.new"
    cp -a --reflink=auto "$tree" "$out.new"
    buildah umount "$container" >/dev/null
    buildah rm "$container" >/dev/null
    mkdir -p "$out.new"/{ch,dev,proc,sys,tmp,home,mnt,work,root,etc}
    touch "$out.new"/etc/{resolv.conf,hosts,passwd,group}
    buildah inspect --type image "$1" | jq -r '.OCIv1.config.Env[]?' >"$out.new/ch/environment"
    rm -rf "$out"
    mv "$out.new" "$out"
    say "$out: $(du -sm "$out" | cut -f1) MB"
}

check_stages "$@"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
install_tools
choose_storage
trust_as_here
for stage; do
    name_parts "$stage"
    image=$registry/accessiflow-$plain:$version$kind
    build "$plain" "$kind" "$image"
    lay_out "$image"
done
