#!/usr/bin/env bash
# Makes sure that rootful Podman works and has the base image: installs it from the distribution
# where it is missing, and copies the image from Docker where no registry can be reached.
# Safe to repeat and to race; takes about 0.2 s where everything is there already.
set -euo pipefail

image=node:24-slim

answers() { podman info --format '{{.Version.Version}}' >/dev/null 2>&1; }

present() { podman image exists "$image"; }

say() { printf 'podman-engine: %s\n' "$*" >&2; }

# Whether a container can really be run: an answer alone proves little.
runs() { podman run --rm --network none --entrypoint /bin/sh "$image" -c : >/dev/null 2>&1; }

if command -v podman >/dev/null && answers && present && runs; then
  say "podman $(podman info --format '{{.Version.Version}}') answers and has $image"
  exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
  say "podman is missing, does not answer, or lacks $image, and only root can mend the rootful one. Run this script as root."
  exit 1
fi

mkdir -p /run/lock
# One at a time; the one that waited finds everything there.
exec 9>/run/lock/waybill-podman-engine
flock 9

if ! command -v podman >/dev/null; then
  say "installing podman"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # catatonit is podman's --init; the last two are for rootless use.
  apt-get install -y -qq --no-install-recommends podman crun catatonit uidmap fuse-overlayfs slirp4netns >/dev/null
fi

if ! answers; then
  say "podman does not answer; it says:"
  podman info >&2 || true
  exit 1
fi

if ! present && ! timeout 300 podman pull -q "$image" >/dev/null 2>&1; then
  say "$image cannot be pulled: copying it from Docker"
  docker save "$image" | podman load -q >/dev/null
fi

# What a container on this machine may need: podman raises the limits of open files and processes,
# which a root without CAP_SYS_RESOURCE may not, and crun refuses cgroups of both versions at once.
conf=/etc/containers/containers.conf.d/waybill.conf
if present && ! runs && [ ! -e "$conf" ]; then
  say "podman cannot run a container as it is: trying runc and the machine's own limits ($conf)"
  command -v runc >/dev/null || apt-get install -y -qq --no-install-recommends runc >/dev/null
  files="$(ulimit -Hn)"
  [ "$files" != unlimited ] || files=1048576
  mkdir -p "${conf%/*}"
  printf '[engine]\nruntime = "runc"\n[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=32768:32768"]\n' \
    "$files" "$files" >"$conf"
fi

if ! present || ! runs; then
  say "podman cannot run $image; it says:"
  podman run --rm --network none --entrypoint /bin/sh "$image" -c : >&2 || true
  say "podman has these images:"
  podman images >&2
  exit 1
fi
say "podman $(podman info --format '{{.Version.Version}}') answers and has $image"
