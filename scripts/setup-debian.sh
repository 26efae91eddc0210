#!/usr/bin/env bash
# setup-debian.sh — installs the Debian packages that the lab and the tests need, and says why each.
#
# setup-debian.sh [containers|bench]    `containers`: also what `npm run compose:test` needs
#                                       `bench`: also what the benches compare with
#
# Does nothing where all are there. Services that packages bring along are not started: the lab
# runs its own, inside its own network namespaces.
set -euo pipefail

# package | a file it brings | why
NEEDED='
nftables|/usr/sbin/nft|the rules that carry the traffic
iproute2|/usr/sbin/ip|addresses, network namespaces, cables
conntrack|/usr/sbin/conntrack|the table of connections
openssh-server|/usr/sbin/sshd|the way from one appliance to the other
openssh-client|/usr/bin/ssh-keygen|keys for it
dcmtk|/usr/bin/storescp|real DICOM: C-ECHO and C-STORE
iputils-arping|/usr/bin/arping|ARP by hand
iputils-ping|/usr/bin/ping|pings by hand, of tests
tcpdump|/usr/bin/tcpdump|looking at packets
strace|/usr/bin/strace|which system calls a daemon makes: that it forks nothing
keepalived|/usr/sbin/keepalived|the tests compare with it: a control that has to show the fault
util-linux|/usr/bin/setpriv|programs that end together with the lab
procps|/usr/sbin/sysctl|kernel settings
ca-certificates|/etc/ssl/certs/ca-certificates.crt|npm over HTTPS
curl|/usr/bin/curl|asks the built-in page in tests
'
CONTAINERS='
docker.io|/usr/sbin/dockerd|the container engine
docker-compose|/usr/bin/docker-compose|docker-compose.yml
iptables|/usr/sbin/iptables|the engine needs it for its networks
debootstrap|/usr/sbin/debootstrap|the base image where no registry answers
'
BENCH='
heartbeat|/usr/libexec/heartbeat/heartbeat|Linux-HA heartbeat, to be compared with
resource-agents|/usr/lib/ocf/resource.d/heartbeat/IPaddr2|how it moves addresses
nftlb|/usr/sbin/nftlb|the data plane is compared with
haproxy|/usr/sbin/haproxy|the same; and the server behind all of them
wrk|/usr/bin/wrk|connections and requests, counted
iperf3|/usr/bin/iperf3|bytes, counted
'
case "${1:-}" in
  containers) NEEDED+=$CONTAINERS ;;
  bench) NEEDED+=$BENCH ;;
esac

missing=()
while IFS='|' read -r package file why; do
  [ -n "$package" ] || continue
  # Not every system keeps /sbin inside /usr.
  if [ -e "$file" ] || [ -e "${file#/usr}" ]; then continue; fi
  [ ${#missing[@]} -gt 0 ] || echo "Needed and not there:"
  printf '  %-16s %s\n' "$package" "$why"
  missing+=("$package")
done <<<"$NEEDED"
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "This is no Debian (no apt-get): install them by hand." >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Installing them needs root, or sudo, which is not there." >&2
    exit 1
  fi
  as_root=(sudo)
fi

# invoke-rc.d asks this program whether a service may start; 101 = no. A policy that is there
# already is the admin's own: it is left alone, and put back.
policy=/usr/sbin/policy-rc.d
kept=
if [ -e "$policy" ]; then
  kept="$policy.before-lbpair"
  "${as_root[@]}" mv "$policy" "$kept"
fi
restore() {
  "${as_root[@]}" rm -f "$policy"
  [ -z "$kept" ] || "${as_root[@]}" mv "$kept" "$policy"
}
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
"${as_root[@]}" chmod 755 "$policy"

was_enabled() { command -v systemctl >/dev/null && systemctl is-enabled --quiet "$1" 2>/dev/null; }
services=(keepalived haproxy heartbeat logd ssh docker.service docker.socket containerd)
declare -A had=()
for service in "${services[@]}"; do
  if was_enabled "$service"; then had[$service]=yes; fi
done

echo "Installing ${missing[*]} …"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

# Nor at the next boot, unless the machine had them before.
for service in "${services[@]}"; do
  if [ -z "${had[$service]:-}" ] && was_enabled "$service"; then
    "${as_root[@]}" systemctl disable --quiet "$service" || true
  fi
done
echo "Done; no service was started."
