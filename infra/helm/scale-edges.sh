#!/bin/sh
# The rule of the chart's HorizontalPodAutoscaler for clusters without custom metrics: as many edges as their streams need, more
# where their event loops are late, one less in five minutes at most. Run it each minute, from a CronJob or a shell:
#
#     infra/helm/scale-edges.sh <namespace> <deployment> <least> <most> <streams of a pod> <loop delay in ms>
set -eu
namespace=$1 deployment=$2 least=$3 most=$4 per_pod=$5 late_ms=$6

component=$(kubectl --namespace "$namespace" get deployment "$deployment" --output 'jsonpath={.spec.selector.matchLabels}' |
  tr -d '{}"' | tr ':' '=')
pods=$(kubectl --namespace "$namespace" get pods --selector "$component" --field-selector status.phase=Running \
  --output 'jsonpath={.items[*].metadata.name}')
now=$(kubectl --namespace "$namespace" get deployment "$deployment" --output 'jsonpath={.spec.replicas}')

# Of each pod its streams, and the latest of its workers' loops.
figures=$(for pod in $pods; do
  kubectl get --raw "/api/v1/namespaces/$namespace/pods/$pod:8090/proxy/metrics" | awk '
    /^sluice_stream_connections[{ ]/ { streams += $2 }
    /^nodejs_eventloop_lag_p99_seconds[{ ]/ { if ($2 > late) late = $2 }
    END { print streams + 0, late + 0 }'
done)

wanted=$(printf '%s\n' "$figures" | awk -v now="$now" -v least="$least" -v most="$most" -v per="$per_pod" -v ms="$late_ms" '
  function ceil(x) { return x == int(x) ? x : int(x) + 1 }
  NF == 2 { streams += $1; late += $2; pods += 1 }
  END {
    wanted = ceil(streams / per)
    if (pods > 0 && ceil(now * late / pods * 1000 / ms) > wanted) wanted = ceil(now * late / pods * 1000 / ms)
    if (wanted > 2 * now) wanted = 2 * now
    if (wanted < now) wanted = now - 1
    # A pod that did not answer is no reason to have fewer.
    if (pods < now && wanted < now) wanted = now
    if (wanted > most) wanted = most
    if (wanted < least) wanted = least
    print wanted
  }')

echo "$deployment: $now edges, $wanted wanted"
[ "$wanted" = "$now" ] || kubectl --namespace "$namespace" scale deployment "$deployment" --replicas "$wanted"
