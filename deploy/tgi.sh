#!/usr/bin/env bash
# Text Generation Inference 3.3.7: deploy/tgi.sh MODEL [NAME=ADAPTER_FOLDER]...
set -euo pipefail
model=${1:?the model: a folder, or an id on the hub}
shift
adapters=$(IFS=,; echo "$*")
if [ -n "${GENERATION_API_KEY:-}" ]; then export API_KEY=$GENERATION_API_KEY; fi
exec text-generation-launcher \
  --model-id "$model" \
  --hostname "${HOST:-127.0.0.1}" \
  --port "${PORT:-8080}" \
  --max-total-tokens "${CONTEXT:-2048}" \
  --max-input-tokens "$((${CONTEXT:-2048} - 1))" \
  --max-concurrent-requests "${ASKERS:-128}" \
  --usage-stats off \
  ${adapters:+--lora-adapters "$adapters"}
