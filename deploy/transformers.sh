#!/usr/bin/env bash
# transformers 5.23.0 with its extra `serving`: deploy/transformers.sh MODEL
# It serves one model: merge an adapter into it first.
set -euo pipefail
model=${1:?the model: a folder, or an id on the hub}
exec transformers serve "$model" \
  --host "${HOST:-127.0.0.1}" \
  --port "${PORT:-8080}" \
  --device "${DEVICE:-auto}"
