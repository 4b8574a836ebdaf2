#!/usr/bin/env bash
# Makes sure that an ordinary user has a rootless Podman with the base image: an account with ids of
# its own to give away, and native overlays, since the plain copies that Podman falls back to take
# 200 MB and seconds a container. Needs root, and .ci/podman-engine.sh before it. Safe to repeat.
#
#   bash .ci/podman-rootless.sh              prepares
#   bash .ci/podman-rootless.sh COMMAND…     prepares, and runs the command as that user
set -euo pipefail

user=waybill-rootless
home=/var/lib/$user
image=node:24-slim

say() { printf 'podman-rootless: %s\n' "$*" >&2; }

if [ "$(id -u)" -ne 0 ]; then
  say "only root can make the account $user. Run this script as root."
  exit 1
fi

exec 9>/run/lock/waybill-podman-rootless
flock 9

# Away from people's ids; useradd also gives it 65,536 subordinate ids.
getent passwd "$user" >/dev/null || {
  groupadd --gid 54124 "$user"
  useradd --uid 54124 --gid 54124 --no-create-home --home-dir "$home" --shell /bin/sh "$user"
}
uid="$(id -u "$user")"
for folder in "$home" "$home/.config/containers" "$home/tmp" "/run/user/$uid"; do
  mkdir -p "$folder"
done
[ -e "$home/.config/containers/storage.conf" ] ||
  printf '[storage]\ndriver = "overlay"\n' >"$home/.config/containers/storage.conf"
chown "$user:" "/run/user/$uid" "$home" "$home/tmp"
chown -R "$user:" "$home/.config"
chmod 700 "/run/user/$uid" "$home"

as_user() {
  setpriv --reuid "$user" --regid "$user" --clear-groups \
    env -u DOCKER_HOST HOME="$home" TMPDIR="$home/tmp" XDG_RUNTIME_DIR="/run/user/$uid" "$@" 9>&-
}

cd "$home"
if ! as_user podman image exists "$image"; then
  say "copying $image from Docker"
  docker save "$image" | as_user podman load -q >/dev/null
fi
if ! as_user podman run --rm --network none --user 0:0 --entrypoint /bin/sh "$image" -c :; then
  say "podman cannot run $image as $user; it says:"
  as_user podman info >&2 || true
  exit 1
fi
say "podman $(as_user podman info --format '{{.Version.Version}} with {{.Store.GraphDriverName}}') answers $user"
flock --unlock 9
[ $# -eq 0 ] || { cd "$OLDPWD" && as_user "$@"; }
