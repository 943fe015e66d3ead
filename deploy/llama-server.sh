#!/usr/bin/env bash
# llama.cpp's server, b11549: deploy/llama-server.sh MODEL.gguf [ADAPTER.gguf]...
# The first adapter is the general one (number 0); the others answer when they are asked for.
set -euo pipefail
model=${1:?the model: a GGUF file}
shift
lora=
for adapter in "$@"; do
  lora=${lora:+$lora,}$adapter:$([ -z "$lora" ] && echo 1 || echo 0)
done
if [ -n "${GENERATION_API_KEY:-}" ]; then export LLAMA_API_KEY=$GENERATION_API_KEY; fi
askers=${ASKERS:-4}
exec llama-server \
  --model "$model" \
  --host "${HOST:-127.0.0.1}" \
  --port "${PORT:-8080}" \
  --parallel "$askers" \
  --ctx-size "$((${CONTEXT:-2048} * askers))" \
  --cors-origins localhost \
  --no-ui \
  --no-slots \
  --offline \
  ${lora:+--lora-scaled "$lora"}
