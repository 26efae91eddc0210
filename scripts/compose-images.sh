#!/usr/bin/env bash
# compose-images.sh — builds the image of docker-compose.yml from the built checkout; `npm run build` comes first.
#
# The base: lbpair/base:bookworm if the engine has it, else Debian's from the registry, else, where
# no registry answers, one made here by debootstrap (as root; kept below node_modules/.cache).
# The node binary is this machine's own, or the one that LBPAIR_NODE names.
set -euo pipefail
cd "$(dirname "$0")/.."

base=lbpair/base:bookworm
source=deploy/container
context=$source/dist

make_base() {
  local tar packages root
  tar="node_modules/.cache/compose/base-$(sha256sum <$source/packages.list | cut -c1-16).tar"
  if [ ! -e "$tar" ]; then
    echo "No registry answers: making the base image with debootstrap (a minute or two) …"
    packages=$(paste -sd, $source/packages.list)
    root=$(mktemp -d)
    trap 'rm -rf "$root"' RETURN
    debootstrap --variant=minbase --include="$packages" bookworm "$root" ${LBPAIR_MIRROR:+"$LBPAIR_MIRROR"} \
      >"$root.log" 2>&1 || { tail -20 "$root.log" >&2; rm -f "$root.log"; return 1; }
    rm -rf "$root.log" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
    mkdir -p "$(dirname "$tar")"
    tar -C "$root" -cf "$tar.part" .
    mv "$tar.part" "$tar"
  fi
  docker import "$tar" "$base" >/dev/null
}

if ! docker image inspect "$base" >/dev/null 2>&1; then
  if timeout 120 docker pull -q debian:bookworm-slim >/dev/null 2>&1; then
    docker tag debian:bookworm-slim "$base"
  else
    make_base
  fi
fi

rm -rf "$context"
mkdir -p "$context/app/node_modules"
cp -r $source/Dockerfile $source/packages.list $source/roles "$context"
cp -L "${LBPAIR_NODE:-$(node -p process.execPath)}" "$context/node"

# What the packages need to run, by npm's own account; links to the workspaces are kept as links.
here=$PWD
npm ls --omit=dev --all --parseable --loglevel=error | while IFS= read -r folder; do
  case "$folder" in
    "$here"/node_modules/*) cp -a --parents "${folder#"$here"/}" "$context/app" ;;
  esac
done
cp package.json "$context/app"
for package in packages/*/; do
  mkdir -p "$context/app/$package"
  cp "$package/package.json" "$context/app/$package"
  for part in dist templates; do
    [ ! -d "$package$part" ] || cp -r "$package$part" "$context/app/$package"
  done
done

# The builder without plug-ins is what Debian ships; its word that it is old is of no use here.
if ! said=$(DOCKER_BUILDKIT=0 docker build --build-arg "BASE=$base" -t lbpair/machine "$context" 2>&1); then
  echo "$said" >&2
  exit 1
fi
echo "lbpair/machine: node $("$context/node" -p process.version), base $base"
