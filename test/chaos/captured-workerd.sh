#!/bin/sh
# Stands in for workerd while miniflare writes its configuration: keeps it, says what miniflare waits for, and sleeps.
printf '%s\n' "$@" >"$MAGI_CAPTURE/arguments"
cat >"$MAGI_CAPTURE/config"
for socket in entry direct:0:DirectEntrance; do
  echo "{\"event\":\"listen\",\"socket\":\"$socket\",\"port\":1}" >&3
done
exec sleep 1000000
