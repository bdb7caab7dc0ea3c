{{/* What Prometheus scrapes: a Service's endpoints where there is a Service with that port, else the pods. */}}
{{- define "heliograph-common.monitor" -}}
{{- if .metrics.monitors -}}
{{- $services := eq (default "" .process.serves) "grpc" -}}
apiVersion: monitoring.coreos.com/v1
kind: {{ ternary "ServiceMonitor" "PodMonitor" $services }}
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
    {{- with .metrics.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "heliograph-common.selector" . | nindent 6 }}
  {{ ternary "endpoints" "podMetricsEndpoints" $services }}:
    - port: ops
      path: /metrics
      interval: {{ .metrics.interval }}
      relabelings:
        - targetLabel: service
          replacement: {{ .service }}
        - targetLabel: process
          replacement: {{ .component }}
{{- end -}}
{{- end -}}
