{{/* Headless where callers balance by themselves (gRPC keeps connections, which a virtual address would not spread). */}}
{{- define "heliograph-common.service" -}}
{{- if .process.serves -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
  {{- if eq .process.serves "http" }}
  {{- with .httpService.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
spec:
  {{- if eq .process.serves "grpc" }}
  clusterIP: None
  {{- else }}
  type: {{ .httpService.type }}
  {{- end }}
  selector:
    {{- include "heliograph-common.selector" . | nindent 4 }}
  ports:
    - name: {{ .process.serves }}
      port: 8080
      targetPort: {{ .process.serves }}
    {{- if eq .process.serves "grpc" }}
    - name: ops
      port: 9090
      targetPort: ops
    {{- end }}
{{- end -}}
{{- end -}}

{{/* Nothing comes in or goes out but what is named here. */}}
{{- define "heliograph-common.policy" -}}
{{- if .networkPolicy.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "heliograph-common.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- include "heliograph-common.ingressRules" . | nindent 4 }}
  egress:
    {{- include "heliograph-common.egressRules" . | nindent 4 }}
{{- end -}}
{{- end -}}

{{- define "heliograph-common.ingressRules" -}}
{{- if eq (default "" .process.serves) "grpc" -}}
- from:
    - podSelector:
        matchLabels:
          app.kubernetes.io/part-of: heliograph
        matchExpressions:
          - key: app.kubernetes.io/name
            operator: In
            values: {{ toJson (default .process.callers .allowedCallers) }}
  ports:
    - port: 8080
{{ else if .process.serves -}}
- ports:
    - port: 8080
  {{- with .networkPolicy.clients }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{ end -}}
- from:
    {{- toYaml .networkPolicy.metricsFrom | nindent 4 }}
  ports:
    - port: 9090
{{- with .networkPolicy.extraIngress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "heliograph-common.egressRules" -}}
- to:
    {{- toYaml .networkPolicy.dns | nindent 4 }}
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- with .process.calls }}
- to:
    - podSelector:
        matchLabels:
          app.kubernetes.io/part-of: heliograph
        matchExpressions:
          - key: app.kubernetes.io/component
            operator: In
            values: {{ toJson . }}
  ports:
    - port: 8080
{{- end }}
{{- range $store := .process.stores }}
{{- include "heliograph-common.egressTo" (get $.networkPolicy.egress $store) }}
{{- end }}
{{- if .tracing.endpoint }}
{{- include "heliograph-common.egressTo" .networkPolicy.egress.otlp }}
{{- end }}
{{- if .process.sendsMail }}
{{- include "heliograph-common.egressTo" .networkPolicy.egress.smtp }}
{{- end }}
{{- with .networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Ports, of anybody when no peers are named: a policy cannot name hosts. */}}
{{- define "heliograph-common.egressTo" }}
- ports:
    {{- range .ports }}
    - port: {{ . }}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
