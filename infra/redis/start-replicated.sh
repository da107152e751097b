#!/bin/sh
# What the containers of infra/docker/cluster.yml run: `start-replicated.sh server <own address> [options]`, which becomes the primary where
# the Sentinels say so, and else its replica; or `start-replicated.sh sentinel <own address>`.
set -eu
HERE=$(dirname "$0")

hash() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
# As a word of the configuration, and as what sed puts in.
word() { printf '"%s"' "$(printf %s "$1" | sed 's/["\\]/\\&/g')" | sed 's/[&|\\]/\\&/g'; }
hashes() {
  for name in "$@"; do eval "value=\$$name"; printf 's|%s_SHA256|%s|g\n' "$name" "$(hash "$value")"; done
}

# The configuration's folder is the server's own: a Sentinel writes its file anew.
run() { exec $(command -v docker-entrypoint.sh) valkey-server "$@" --bind 0.0.0.0 --protected-mode no --dir /data; }

primary() {
  for sentinel in $SENTINELS; do
    address=$(valkey-cli -h "$sentinel" -p 26379 --user service --pass "$REDIS_SENTINEL_PASSWORD" --no-auth-warning \
      sentinel get-master-addr-by-name sluice 2>/dev/null | head -n 1)
    if printf %s "$address" | grep -Eq '^[0-9.]+$'; then printf %s "$address"; return; fi
  done
  return 1
}

case "$1" in
  server)
    {
      hashes REDIS_AUTH_PASSWORD REDIS_STREAM_PASSWORD REDIS_PUBLISH_PASSWORD REDIS_BACKUP_PASSWORD REDIS_SERVERS_PASSWORD
      printf 's|^masterauth .*|masterauth %s|\n' "$(word "$REDIS_SERVERS_PASSWORD")"
    } > /tmp/places.sed
    cat "$HERE/redis.conf" "$HERE/cluster.conf" | sed -f /tmp/places.sed > /tmp/valkey.conf
    # A server that was away may have been replaced: what it holds is older then.
    until PRIMARY=$(primary); do sleep 0.5; done
    [ "$PRIMARY" = "$2" ] || set -- "$@" --replicaof "$PRIMARY 6379"
    ADDRESS=$2; shift 2
    run /tmp/valkey.conf --port 6379 --replica-announce-ip "$ADDRESS" "$@"
    ;;
  sentinel)
    if [ ! -s /data/sentinel.conf ]; then
      {
        hashes REDIS_SERVERS_PASSWORD REDIS_SENTINEL_PASSWORD
        printf 's|REDIS_SENTINEL_PORT|26379|\ns|REDIS_SENTINEL_ADDRESS|%s|\n' "$2"
        printf 's|REDIS_PRIMARY_ADDRESS|%s|\ns|REDIS_PRIMARY_PORT|6379|\n' "$FIRST_PRIMARY"
        printf 's|^\\(sentinel .*\\) REDIS_SERVERS_PASSWORD$|\\1 %s|\n' "$(word "$REDIS_SERVERS_PASSWORD")"
      } > /tmp/places.sed
      sed -f /tmp/places.sed "$HERE/sentinel.conf" > /data/sentinel.conf.new
      mv /data/sentinel.conf.new /data/sentinel.conf
    fi
    run /data/sentinel.conf --sentinel
    ;;
esac
