#!/bin/sh
# The rule of the chart's HorizontalPodAutoscaler for clusters without custom metrics: as many edges as their streams need, more
# where their event loops are late, one less where fewer were enough for a quarter of an hour, and the next five minutes later. Run
# it each minute, from a CronJob or a shell:
#
#     infra/helm/scale-edges.sh <namespace> <deployment> <least> <most> <streams of a pod> <loop delay in ms>
#
# In the namespace it needs the verbs: get, patch of deployments; patch of deployments/scale; list of pods; get of pods/proxy. It
# asks the pods through the API server: a NetworkPolicy must let that in (networkPolicy.metricsFrom), and where kubectl calls it
# by a name, that name must be one of STREAM_OPS_ALLOWED_HOSTS.
set -eu
namespace=$1 deployment=$2 least=$3 most=$4 per_pod=$5 late_ms=$6
fewer_from=sluice-fewer-from

of_deployment() {
  kubectl --namespace "$namespace" get deployment "$deployment" --output "jsonpath={$1}"
}

component=$(of_deployment .spec.selector.matchLabels | tr -d '{}"' | tr ':' '=')
pods=$(kubectl --namespace "$namespace" get pods --selector "$component" --field-selector status.phase=Running \
  --output 'jsonpath={.items[*].metadata.name}')
now=$(of_deployment .spec.replicas)

# Of each pod its streams, and the latest of its workers' loops. One that does not answer has no line.
figures=$(for pod in $pods; do
  kubectl get --raw "/api/v1/namespaces/$namespace/pods/$pod:8090/proxy/metrics" | awk '
    /^sluice_stream_connections[{ ]/ { streams += $2; answered = 1 }
    /^nodejs_eventloop_lag_p99_seconds[{ ]/ { if ($2 > late) late = $2 }
    END { if (answered) print streams, late + 0 }' || true
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

mark() {
  kubectl --namespace "$namespace" annotate deployment "$deployment" --overwrite "$fewer_from$1" >/dev/null
}

# Each pod that goes sends its streams to the others, which need the time to come to rest; and where streams come and go about the
# number that needs one more, one that goes each time would be missed the minute after. The mark says from when on one may go.
from=$(of_deployment ".metadata.annotations.$fewer_from")
time=$(date +%s)
if [ "$wanted" -ge "$now" ]; then
  [ -z "$from" ] || mark -
elif [ "$time" -ge "${from:-$((time + 1))}" ]; then
  mark "=$((time + 300))"
else
  [ -n "$from" ] || mark "=$((time + 900))"
  wanted=$now
fi

echo "$deployment: $now edges, $wanted wanted"
[ "$wanted" != "$now" ] || exit 0
kubectl --namespace "$namespace" scale deployment "$deployment" --replicas "$wanted"
