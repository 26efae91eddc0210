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
# The containers' place among the control groups, where the engine is our own.
group=lbpair-compose-$$

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
  # Mounts of containers that did not end in time.
  awk -v below="$engine_folder/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
    while IFS= read -r mount; do umount -l "$mount" || true; done
  rm -rf "$engine_folder"
  find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2>/dev/null || true
}
clean_up() {
  local code=$?
  trap - EXIT
  trap '' INT TERM
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
  engine_folder=$(mktemp -d /tmp/lbpair-engine-XXXXXX)
  local socket=$engine_folder/docker.sock
  # A loopback that is down would keep the engine from talking to its own containerd.
  unshare --net sh -c 'ip link set lo up && exec "$@"' sh dockerd \
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
node --enable-source-maps --test-reporter=spec test/dist/compose/pair.test.js
