#!/usr/bin/env bash
# Makes the passwords of compose.yaml: deploy/secrets.sh [FOLDER]. What is there already stays.
set -euo pipefail
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"
made() {  # NAME: a file of that name, with 32 random bytes where there was none; prints its text
  [ -s "$folder/$1" ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$folder/$1"
  cat "$folder/$1"
}
for name in postgres_password redis_password grafana_password countersign_metrics_token generation_api_key; do
  made "$name" > /dev/null
done
printf 'postgresql+psycopg://countersign:%s@postgres/countersign' "$(made postgres_password)" > "$folder/countersign_database"
printf 'redis://:%s@redis:6379/0' "$(made redis_password)" > "$folder/countersign_cache"
printf 'redis://:%s@redis:6379/1' "$(made redis_password)" > "$folder/countersign_limits"

chmod 644 "$folder"/*  # read inside of containers by users of other numbers; the folder itself is closed
