{{/* One document for every process of the chart: (dict "root" $ "template" NAME), whose template gets the process. */}}
{{- define "heliograph-common.each" -}}
{{- range $name := keys (fromYaml (.root.Files.Get "service.yaml")).processes | sortAlpha -}}
{{- $process := dict -}}
{{- $_ := include "heliograph-common.settleProcess" (dict "root" $.root "name" $name "into" $process) -}}
{{- with include $.template $process }}
---
{{ . | trim }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* One document for the chart: the template gets the settings of the chart, named as its service. */}}
{{- define "heliograph-common.once" -}}
{{- $settings := dict -}}
{{- $_ := include "heliograph-common.settle" (dict "root" .root "into" $settings) -}}
{{- $_ := set $settings "component" $settings.service -}}
{{- $_ := set $settings "name" (printf "%s%s" $settings.namePrefix $settings.service) -}}
{{- with include .template $settings }}
---
{{ . | trim }}
{{- end -}}
{{- end -}}
