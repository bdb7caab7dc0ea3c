{{- define "heliograph-common.deployment" -}}
{{- include "heliograph-common.check" . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
spec:
  {{- if not (include "heliograph-common.scaled" .) }}
  replicas: {{ .replicas }}
  {{- end }}
  revisionHistoryLimit: {{ .revisionHistoryLimit }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: {{ .maxSurge }}
  selector:
    matchLabels:
      {{- include "heliograph-common.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "heliograph-common.podLabels" . | nindent 8 }}
        {{- with .podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        {{- if .process.serves }}
        kubectl.kubernetes.io/default-container: {{ .component }}
        {{- end }}
        heliograph/secrets-revision: {{ .secretsRevision | default "0" | toString | quote }}
        {{- with .podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "heliograph-common.podSpec" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ include "heliograph-common.patience" . }}
      topologySpreadConstraints:
        {{- include "heliograph-common.spread" . | trim | nindent 8 }}
      containers:
        - name: {{ .component }}
          {{- include "heliograph-common.container" . | nindent 10 }}
          {{- include "heliograph-common.ports" . | nindent 10 }}
          {{- include "heliograph-common.probes" . | nindent 10 }}
          {{- if .process.serves }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ .preStopSeconds }}
          {{- end }}
          resources:
            {{- toYaml .resources | nindent 12 }}
      volumes:
        {{- include "heliograph-common.volumes" . | nindent 8 }}
{{- end -}}

{{/* Seconds until a pod is killed: it takes no more calls, lets those under way end, and then its tasks. */}}
{{- define "heliograph-common.patience" -}}
{{- $out := ternary .preStopSeconds 0 (not (empty .process.serves)) -}}
{{- add $out (mul 2 .shutdownGraceSeconds) 10 -}}
{{- end -}}

{{- define "heliograph-common.ports" -}}
ports:
  {{- with .process.serves }}
  - name: {{ . }}
    containerPort: 8080
  {{- end }}
  {{- if eq (default "" .process.serves) "grpc" }}
  - name: probe
    containerPort: 8081
  {{- end }}
  - name: ops
    containerPort: 9090
{{- end -}}

{{/*
Alive means that the event loop turns, which no dependency can change; so it is also what a start is judged by. Ready
means that calls can be answered: gRPC's own health where there is gRPC, on a port without TLS, which kubelets do not speak.
*/}}
{{- define "heliograph-common.probes" -}}
startupProbe:
  httpGet:
    path: /healthz
    port: ops
  periodSeconds: 1
  timeoutSeconds: 4
  failureThreshold: 300
livenessProbe:
  httpGet:
    path: /healthz
    port: ops
  periodSeconds: 10
  timeoutSeconds: 4
  failureThreshold: 6
  terminationGracePeriodSeconds: 30
readinessProbe:
  {{- if eq (default "" .process.serves) "grpc" }}
  grpc:
    port: 8081
  {{- else }}
  httpGet:
    path: /readyz
    port: ops
  {{- end }}
  periodSeconds: 3
  timeoutSeconds: 4
  failureThreshold: 2
{{- end -}}

{{- define "heliograph-common.spread" -}}
{{- if .topologySpreadConstraints -}}
{{- toYaml .topologySpreadConstraints }}
{{- else -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "heliograph-common.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end -}}
