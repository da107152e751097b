{{/* The labels of one service's objects: dict "root" $ "name" "auth". */}}
{{- define "sluice.labels" -}}
{{ include "sluice.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sluice
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "sluice.selector" -}}
app.kubernetes.io/name: sluice
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{/* The name of one service's objects. */}}
{{- define "sluice.name" -}}
{{ printf "%s-%s" .root.Release.Name .name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sluice.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The services of this release, as YAML, in the order in which they start. */}}
{{- define "sluice.services" -}}
{{- $enabled := list }}
{{- range $name := list "policy" "auth" "publish" "stream" "webhooks" }}
{{- if (index $.Values $name).enabled }}{{ $enabled = append $enabled $name }}{{ end }}
{{- end }}
{{- $enabled | toYaml }}
{{- end }}

{{/* What the edge's program is called in its settings: webhooks are posted by it, too. */}}
{{- define "sluice.program" -}}
{{ eq .name "webhooks" | ternary "stream" .name }}
{{- end }}

{{/* The ports of each service by their names, as docs/reference/settings.md has them by default. */}}
{{- define "sluice.ports" -}}
auth: { http: 8081, grpc: 7001, ops: 8091 }
policy: { http: 8082, grpc: 7002, ops: 8092 }
publish: { http: 8083, ops: 8093 }
stream: { http: 8080, ops: 8090 }
webhooks: { ops: 8090 }
{{- end }}

{{/* The plain settings of one service: those that follow from the chart, those of all, its own. The last one wins. */}}
{{- define "sluice.settings" -}}
{{- $program := include "sluice.program" . }}
{{- $prefix := upper $program }}
{{- $service := index .root.Values .name }}
{{- $ports := index (include "sluice.ports" .root | fromYaml) .name }}
{{- $made := dict
      (printf "%s_OPS_BIND_ADDRESS" $prefix) .root.Values.bindAddress
      (printf "%s_OPS_ALLOWED_HOSTS" $prefix) (include "sluice.name" .)
      "GRPC_TLS_CERT_FILE" "/certificates/tls.crt"
      "GRPC_TLS_KEY_FILE" "/certificates/tls.key"
      "GRPC_TLS_CA_FILE" "/certificates/ca.crt" }}
{{- if hasKey $ports "http" }}
{{- $_ := set $made (printf "%s_BIND_ADDRESS" $prefix) .root.Values.bindAddress }}
{{- end }}
{{- if hasKey $ports "grpc" }}
{{- $_ := set $made (printf "%s_GRPC_BIND_ADDRESS" $prefix) .root.Values.bindAddress }}
{{- end }}
{{- with .root.Values.hosts.auth }}
{{- $_ := set $made "AUTH_ISSUER" (printf "https://%s" .) }}
{{- end }}
{{- if ne .name "auth" }}
{{- with index .root.Values.auth.settings "AUTH_ISSUER" }}
{{- $_ := set $made "AUTH_ISSUER" . }}
{{- end }}
{{- $_ := set $made "AUTH_GRPC_URL" (printf "%s:7001" (include "sluice.name" (dict "root" .root "name" "auth-grpc"))) }}
{{- $_ := set $made "AUTH_JWKS_URL" (printf "http://%s:8081/.well-known/jwks.json" (include "sluice.name" (dict "root" .root "name" "auth"))) }}
{{- end }}
{{- if ne .name "policy" }}
{{- $_ := set $made "POLICY_GRPC_URL" (printf "%s:7002" (include "sluice.name" (dict "root" .root "name" "policy-grpc"))) }}
{{- end }}
{{- if eq .name "policy" }}
{{- $urls := list }}
{{- range $name := without (include "sluice.services" .root | fromYamlArray) "policy" }}
{{- $port := (index (include "sluice.ports" $.root | fromYaml) $name).ops }}
{{- $urls = append $urls (printf "%s=http://%s:%d" $name (include "sluice.name" (dict "root" $.root "name" $name)) (int $port)) }}
{{- end }}
{{- $_ := set $made "POLICY_OPS_URLS" (join "," $urls) }}
{{- end }}
{{- if eq .name "webhooks" }}
{{- $_ := set $made "STREAM_ROLE" "webhooks" }}
{{- end }}
{{- $settings := mergeOverwrite $made (deepCopy .root.Values.settings) (deepCopy $service.settings) }}
{{- $_ := required "hosts.auth, or AUTH_ISSUER in settings, says at which URL tokens are issued" (index $settings "AUTH_ISSUER") }}
{{- toYaml $settings }}
{{- end }}

{{/* Seconds until a pod that ends may be killed: endpoints need some to forget it, the edge its drain, each service its close. */}}
{{- define "sluice.graceSeconds" -}}
{{- $settings := include "sluice.settings" . | fromYaml }}
{{- $drainMs := index $settings "STREAM_DRAIN_MS" | default 5000 | int }}
{{- add 10 (div (add $drainMs 999) 1000) 5 }}
{{- end }}

{{/* What an Ingress says to its controller, so that event streams pass at once and last. */}}
{{- define "sluice.ingressAnnotations" -}}
{{- $nginx := dict
      "nginx.ingress.kubernetes.io/proxy-buffering" "off"
      "nginx.ingress.kubernetes.io/proxy-buffer-size" "8k"
      "nginx.ingress.kubernetes.io/proxy-body-size" "65m"
      "nginx.ingress.kubernetes.io/proxy-connect-timeout" "2"
      "nginx.ingress.kubernetes.io/proxy-read-timeout" "60"
      "nginx.ingress.kubernetes.io/proxy-send-timeout" "60"
      "nginx.ingress.kubernetes.io/proxy-http-version" "1.1" }}
{{- $contour := dict "projectcontour.io/response-timeout" "infinity" }}
{{- $each := dict "nginx" $nginx "contour" $contour }}
{{- merge (deepCopy .Values.ingress.annotations) (index $each .Values.controller | default dict) | toYaml }}
{{- end }}

{{/* How many streams an Envoy may have open to an edge; by its own default stream 1 025 is refused. */}}
{{- define "sluice.envoyStreams" -}}
1000000
{{- end }}
