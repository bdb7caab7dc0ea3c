{{/*
What is in effect: the library's defaults, over them `global`, over them the chart's own values. Nothing (null, "", [])
stands for "as said below". A chart's facts are its service.yaml: what no value changes.
*/}}

{{/* Puts what .over says into .into, in place, since a template can only answer text. */}}
{{- define "heliograph-common.put" -}}
{{- range $key, $value := .over -}}
{{- if kindIs "map" $value -}}
{{- if not (kindIs "map" (get $.into $key)) -}}
{{- $_ := set $.into $key (dict) -}}
{{- end -}}
{{- include "heliograph-common.put" (dict "into" (get $.into $key) "over" $value) -}}
{{- else if or (not (hasKey $.into $key)) (not (or (kindIs "invalid" $value) (and (or (kindIs "string" $value) (kindIs "slice" $value)) (empty $value)))) -}}
{{- $_ := set $.into $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Fills .into with the settings of the whole chart, and with `root`, `facts` and `service`. */}}
{{- define "heliograph-common.settle" -}}
{{- $root := .root -}}
{{- $_ := include "heliograph-common.put" (dict "into" .into "over" (fromYaml (include "heliograph-common.defaults" $root))) -}}
{{- $_ := include "heliograph-common.put" (dict "into" .into "over" (default dict $root.Values.global)) -}}
{{- $_ := include "heliograph-common.put" (dict "into" .into "over" (omit $root.Values "global" "processes" "heliograph-common")) -}}
{{- $facts := fromYaml ($root.Files.Get "service.yaml") -}}
{{- $files := list -}}
{{- range concat (default list $facts.required) (default list $facts.optional) -}}
{{- $files = append $files (printf "heliograph_%s" .) -}}
{{- end -}}
{{- range $facts.authorities -}}
{{- $files = append $files (printf "%s_ca.crt" .) -}}
{{- if eq . "kafka" -}}{{- $files = concat $files (list "kafka_client.crt" "kafka_client.key") -}}{{- end -}}
{{- end -}}
{{- $_ := set $facts "secretFiles" $files -}}
{{- $_ := set .into "facts" $facts -}}
{{- $_ := set .into "service" $facts.service -}}
{{- $_ := set .into "root" $root -}}
{{- end -}}

{{/*
The same for one process, .name: its facts' own defaults lie under `global`, its values over all. Adds `process` (its
facts), `component` and `name`.
*/}}
{{- define "heliograph-common.settleProcess" -}}
{{- $root := .root -}}
{{- $facts := get (fromYaml ($root.Files.Get "service.yaml")).processes .name -}}
{{- $all := dict -}}
{{- $_ := include "heliograph-common.settle" (dict "root" $root "into" $all) -}}
{{- $_ := include "heliograph-common.put" (dict "into" .into "over" (fromYaml (include "heliograph-common.defaults" $root))) -}}
{{- $_ := include "heliograph-common.put" (dict "into" .into "over" (default dict $facts.defaults)) -}}
{{- $_ := include "heliograph-common.put" (dict "into" .into "over" (default dict $root.Values.global)) -}}
{{- $_ := include "heliograph-common.put" (dict "into" .into "over" (omit $root.Values "global" "processes" "heliograph-common")) -}}
{{- $_ := include "heliograph-common.put" (dict "into" .into "over" (default dict (get (default dict $root.Values.processes) .name))) -}}
{{- range $key := list "secretKeys" "facts" "service" "root" -}}
{{- $_ := set $.into $key (get $all $key) -}}
{{- end -}}
{{- $_ := set .into "process" $facts -}}
{{- $_ := set .into "component" .name -}}
{{- $_ := set .into "name" (printf "%s%s" .into.namePrefix .name) -}}
{{- end -}}

{{/* A number as people write it: those of values come as floats. */}}
{{- define "heliograph-common.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ int64 . }}{{- else if kindIs "slice" . -}}{{ join "," . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{- define "heliograph-common.version" -}}
{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{- define "heliograph-common.image" -}}
{{ .image.repository }}/{{ .service }}
{{- with .image.digest }}@{{ . }}{{ else }}:{{ include "heliograph-common.version" . }}{{ end }}
{{- end -}}

{{/* What selects the pods of a process; never to change. */}}
{{- define "heliograph-common.selector" -}}
app.kubernetes.io/name: {{ .service }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "heliograph-common.podLabels" -}}
{{ include "heliograph-common.selector" . }}
app.kubernetes.io/part-of: heliograph
app.kubernetes.io/version: {{ include "heliograph-common.version" . | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/* Of everything that belongs to a process. */}}
{{- define "heliograph-common.labels" -}}
{{ include "heliograph-common.podLabels" . }}
helm.sh/chart: {{ printf "%s-%s" (default .root.Chart.Name .facts.chart) .root.Chart.Version | replace "+" "_" | trunc 63 }}
{{- with .commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "heliograph-common.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "heliograph-common.labels" . | nindent 2 }}
{{- end -}}
