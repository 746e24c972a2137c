#!/bin/sh
# Stands in for workerd while miniflare writes its configuration: keeps it, says what miniflare waits for, and sleeps.
printf '%s\n' "$@" >"$MAGI_CAPTURE/arguments"
cat >"$MAGI_CAPTURE/config"
echo '{"event":"listen","socket":"entry","port":1}' >&3
exec sleep 1000000
