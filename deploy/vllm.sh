#!/usr/bin/env bash
# vLLM 0.33.0: deploy/vllm.sh MODEL [NAME=ADAPTER_FOLDER]...
set -euo pipefail
model=${1:?the model: a folder, or an id on the hub}
shift
lora=()
if [ $# -gt 0 ]; then
  lora=(--enable-lora --max-loras "$#" --max-lora-rank "${RANK:-16}" --lora-modules "$@")
fi
if [ -n "${GENERATION_API_KEY:-}" ]; then export VLLM_API_KEY=$GENERATION_API_KEY; fi
export VLLM_NO_USAGE_STATS=1
exec vllm serve "$model" \
  --served-model-name general \
  --host "${HOST:-127.0.0.1}" \
  --port "${PORT:-8080}" \
  --max-model-len "${CONTEXT:-2048}" \
  --max-num-seqs "${ASKERS:-128}" \
  --enable-prefix-caching \
  "${lora[@]}"
