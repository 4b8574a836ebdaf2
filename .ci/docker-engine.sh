#!/usr/bin/env bash
# Makes sure that a Docker engine answers: uses the one that is there, else installs and starts one.
# Safe to repeat and to race; takes about 0.1 s where an engine answers already.
set -euo pipefail

log="${WAYBILL_ENGINE_LOG:-/var/log/waybill-dockerd.log}"

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

say() { printf 'docker-engine: %s\n' "$*" >&2; }

if answers; then
  say "engine $(docker version --format '{{.Server.Version}}') answers"
  exit 0
fi

if [ -n "${DOCKER_HOST:-}" ]; then
  say "DOCKER_HOST names an engine that does not answer. Start that engine, or unset DOCKER_HOST to start one here."
  exit 1
fi

if [ "$(id -u)" -ne 0 ]; then
  say "no engine answers, and only root can start one. Start Docker, or run this script as root."
  exit 1
fi

mkdir -p /run/lock
# One at a time: a second dockerd on the same socket fails, and its clean-up takes docker0 along.
exec 9>/run/lock/waybill-docker-engine
flock 9

if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null || ! command -v iptables >/dev/null; then
  say "installing docker.io and iptables"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
fi

if ! answers; then
  say "starting dockerd, its log is $log"
  # Detached, so that it outlives this script; without descriptor 9, so that it does not keep the lock.
  setsid dockerd >>"$log" 2>&1 </dev/null 9>&- &
  engine=$!
  for _ in $(seq 1 300); do
    if answers; then break; fi
    if ! kill -0 "$engine" 2>/dev/null; then
      say "dockerd ended before it answered; the last lines of $log:"
      tail -n 20 "$log" >&2
      exit 1
    fi
    sleep 0.2
  done
fi

if ! answers; then
  say "dockerd did not answer within 60 s; the last lines of $log:"
  tail -n 20 "$log" >&2
  exit 1
fi
say "engine $(docker version --format '{{.Server.Version}}') answers"
