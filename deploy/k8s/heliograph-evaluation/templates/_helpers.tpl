{{- define "heliograph-evaluation.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: evaluation
app.kubernetes.io/part-of: heliograph-evaluation
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{- define "heliograph-evaluation.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: heliograph-evaluation
{{- end -}}

{{/* Ours: .name is the service. */}}
{{- define "heliograph-evaluation.image" -}}
image: {{ .root.Values.image.repository }}/{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- end -}}

{{/* The pod of our own Jobs. */}}
{{- define "heliograph-evaluation.ours" -}}
restartPolicy: OnFailure
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
{{- end -}}

{{- define "heliograph-evaluation.restricted" -}}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
{{- end -}}

{{/* As deploy/compose.yaml tells `devstack provision`. */}}
{{- define "heliograph-evaluation.addresses" -}}
- {name: HELIOGRAPH_POSTGRES_ADDRESS, value: "postgres:5432"}
- {name: HELIOGRAPH_REDIS_URL, value: "redis://redis:6379/0"}
- {name: HELIOGRAPH_KAFKA_BOOTSTRAP, value: "kafka:9092"}
- {name: HELIOGRAPH_S3_ENDPOINT, value: "http://s3:9000"}
- {name: HELIOGRAPH_S3_REGION, value: us-east-1}
- {name: HELIOGRAPH_S3_ACCESS_KEY, value: heliograph}
{{- end -}}
