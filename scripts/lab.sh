#!/usr/bin/env bash
# lab.sh — from a bare checkout to the lab: packages, dependencies, build, and off it goes.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/setup-debian.sh

# npm writes this file when it is done; older than the lock = the dependencies are not the wanted ones.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing the dependencies of package-lock.json …"
  npm ci --no-audit --no-fund --loglevel=error
fi

echo "Building …"
npm run --silent build

# Ctrl-C is the lab's own business: it has things to clear away.
exec node packages/lab/dist/main.js up "$@"
