#!/bin/bash
# test.sh — `npm test`: from a bare checkout to the closing counts, whatever is missing is installed first.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/setup-debian.sh

if ! node scripts/testing/modules-installed.mjs; then
  echo "npm ci: node_modules is missing or is not what package-lock.json says"
  npm ci --no-audit --no-fund
fi

node scripts/clean-stale.mjs
echo "build: tsc -b"
npm run --silent build
echo "lint: biome check"
failed=()
# A fault of form does not hide faults of function: the tests run all the same, and the counts hold both.
npm run --silent lint || failed=(--failed=lint)
exec node scripts/run-tests.mjs "${failed[@]}" "$@"
