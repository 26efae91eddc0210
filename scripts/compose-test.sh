#!/usr/bin/env bash
# compose-test.sh — `npm run compose:test`: the pair in containers, killed, paused and handed over, measured.
#
# Where no engine answers, one is started for this run alone: in a network namespace of its own, so
# that it touches neither this machine's interfaces nor its firewall, with its data below /tmp.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/setup-debian.sh containers

if ! node scripts/testing/modules-installed.mjs; then
  echo "npm ci: node_modules is missing or is not what package-lock.json says"
  npm ci --no-audit --no-fund --loglevel=error
fi
npm run --silent build

export COMPOSE_PROJECT_NAME=lbpair-compose-test
engine_folder=
engine=
tests=
# The containers' place among the control groups, where the engine is our own.
group=lbpair-compose-$$

# Mounts of containers below it that did not end in time go first.
remove_engine_folder() {
  awk -v below="$1/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
    while IFS= read -r mount; do umount -l "$mount" || true; done
  rm -rf "$1"
}
# What a run left behind that was killed before it could clean up; the name ends with its process id.
remove_dead_engines() {
  local folder
  for folder in /tmp/lbpair-engine-*; do
    [ -d "$folder" ] || continue
    if ! kill -0 "${folder##*-}" 2>/dev/null; then remove_engine_folder "$folder"; fi
  done
}

stop_engine() {
  [ -n "$engine_folder" ] || return 0
  if [ -n "$engine" ] && kill -TERM "$engine" 2>/dev/null; then
    for _ in $(seq 100); do
      kill -0 "$engine" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  remove_engine_folder "$engine_folder"
  find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2>/dev/null || true
}
clean_up() {
  local code=$?
  trap - EXIT
  trap '' INT TERM
  [ -z "$tests" ] || kill -TERM "$tests" 2>/dev/null || true
  if docker info >/dev/null 2>&1; then
    docker-compose down -v --timeout 2 --remove-orphans >/dev/null 2>&1 || true
  fi
  stop_engine
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_engine() {
  if [ "$(id -u)" -ne 0 ]; then
    echo "No container engine answers, and starting one needs root." >&2
    return 1
  fi
  remove_dead_engines
  engine_folder=/tmp/lbpair-engine-$$
  mkdir -m 700 "$engine_folder"
  local socket=$engine_folder/docker.sock
  # Its own session, so that Ctrl-C is not for it; ends with this script, however that ends. A new
  # network namespace has its loopback down.
  setsid setpriv --pdeathsig TERM unshare --net sh -c 'ip link set lo up && exec "$@"' sh dockerd \
    --data-root "$engine_folder/data" --exec-root "$engine_folder/exec" \
    --pidfile "$engine_folder/dockerd.pid" --cgroup-parent "$group" -H "unix://$socket" \
    >"$engine_folder/dockerd.log" 2>&1 &
  engine=$!
  export DOCKER_HOST=unix://$socket
  for _ in $(seq 300); do
    docker info >/dev/null 2>&1 && return 0
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.1
  done
  echo "The engine did not start:" >&2
  tail -20 "$engine_folder/dockerd.log" >&2
  return 1
}

# All containers together weigh as much as one other process of the machine, and may not have
# real-time scheduling: on a busy machine the figures would be those of the queue for a processor.
go_first() {
  local file weight
  while IFS='|' read -r file weight; do
    if [ -w "$file" ]; then echo "$weight" >"$file" || true; fi
  done <<GROUPS
/sys/fs/cgroup/cpu/$group/cpu.shares|131072
/sys/fs/cgroup/$group/cpu.weight|10000
GROUPS
}

if docker info >/dev/null 2>&1; then
  echo "An engine answers; it is used."
else
  echo "No engine answers: starting one for this run …"
  start_engine
fi
echo "Building the image …"
bash scripts/compose-images.sh
docker-compose up -d --no-build
[ -z "$engine_folder" ] || go_first
# In the background, because a trap has to wait for what runs in front.
node --enable-source-maps --test-reporter=spec test/dist/compose/pair.test.js &
tests=$!
wait "$tests"
