#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Proves on an empty Debian 12 that a clone and one command are enough: `./dev run` in one fresh
# chroot (no /proc, the clone owned by somebody else), `./dev test` in another.  Needs root,
# debootstrap and a Debian mirror; takes minutes; leaves nothing behind.
# usage: tests/clean/chroot.sh [run|test]...     TMPDIR, DEBIAN_MIRROR and SUITE are heeded
set -euo pipefail

top=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
suite=${SUITE:-bookworm}
work=$(mktemp -d "${TMPDIR:-/tmp}/whyrst-clean.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

say() { printf 'clean: %s\n' "$*"; }

# The mirror that this machine's apt uses for the suite.
mirror_of_apt() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
        /etc/apt/sources.list.d/*.sources 2>/dev/null |
        grep -vE '^ *#' | grep -m 1 -oE 'https?://[^ ]+/debian/?( |$)' | tr -d ' ' || true
}

# How this machine reaches the mirror: sources, proxy and trust, not its packages.
copy_network_setup() {
    local root=$1 path
    for path in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
        [ -f "$path" ] && install -D -m 644 "$path" "$root$path"
    done
    rm -f "$root/etc/apt/sources.list"
    for path in /etc/apt/sources.list /etc/apt/sources.list.d/debian.*; do
        [ -f "$path" ] && install -D -m 644 "$path" "$root$path"
    done
    for path in /etc/apt/apt.conf.d/*; do
        grep -qsE 'Acquire' "$path" && install -D -m 644 "$path" "$root$path"
    done
    [ -n "$(find "$root"/etc/apt/sources.list* -type f 2>/dev/null)" ] ||
        echo "deb $mirror $suite main" >"$root/etc/apt/sources.list"
    rm -rf "$root"/var/lib/apt/lists/*
}

# room NAME: a fresh system with a clone that belongs to another user.
room() {
    local root=$work/$1
    cp -a "$work/base" "$root"
    mkdir -p "$root/home/somebody"
    git -c safe.directory='*' clone -q --no-hardlinks "file://$top" "$root/home/somebody/whyrst"
    chown -R 12345:12345 "$root/home/somebody"
}

# inside NAME COMMAND...: no variable of this machine but those that reach the network.
inside() {
    local root=$work/$1
    shift
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        "$@" "$root"
}

in_bare_chroot() {
    inside "$1" sh -c 'exec chroot "$1" /home/somebody/whyrst/dev run' sh
}

in_chroot_with_proc() {
    inside "$1" unshare --mount --pid --fork sh -c '
        mount -t proc proc "$1/proc" && exec chroot "$1" /home/somebody/whyrst/.ci/run' sh
}

mirror=${DEBIAN_MIRROR:-$(mirror_of_apt)}
mirror=${mirror:-http://deb.debian.org/debian}
say "debootstrap $suite from $mirror"
debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$work/base" "$mirror" \
    >"$work/debootstrap.log" 2>&1 || { tail -n 30 "$work/debootstrap.log"; exit 1; }
copy_network_setup "$work/base"

for what in "${@:-run test}"; do
    for part in $what; do
        room "$part"
        started=$SECONDS
        case $part in
        run) in_bare_chroot run ;;
        test) in_chroot_with_proc test ;;
        *) say "no such part: $part"; exit 2 ;;
        esac
        say "$part: passed in $((SECONDS - started)) s"
        rm -rf --one-file-system "${work:?}/$part"
    done
done
