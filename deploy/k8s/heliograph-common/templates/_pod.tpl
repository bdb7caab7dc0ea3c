{{/* The pod of a process, or of its migration: restricted, without a token for the cluster. */}}
{{- define "heliograph-common.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .podSecurityContext | nindent 2 }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "heliograph-common.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Image, environment and mounts of our containers. */}}
{{- define "heliograph-common.container" -}}
image: {{ include "heliograph-common.image" . }}
imagePullPolicy: {{ .image.pullPolicy }}
{{- with .process.command }}
command: {{ toJson . }}
{{- end }}
{{- with .process.args }}
args: {{ toJson . }}
{{- end }}
env:
  {{- include "heliograph-common.env" . | trim | nindent 2 }}
securityContext:
  {{- include "heliograph-common.containerSecurityContext" . | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- if include "heliograph-common.secretSources" . }}
  - name: secrets
    mountPath: /run/heliograph/secrets
    readOnly: true
{{- end }}
{{- if and .mtls.enabled (not .process.once) }}
  - name: tls
    mountPath: /run/heliograph/tls
    readOnly: true
{{- end }}
{{- if and .facts.tokenKeys (not .process.once) }}
  - name: token-keys
    mountPath: /run/heliograph/token-keys
    readOnly: true
{{- end }}
{{- end -}}

{{- define "heliograph-common.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .tmpSize }}
{{- with include "heliograph-common.secretSources" . }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- . | trim | nindent 6 }}
{{- end }}
{{- if and .mtls.enabled (not .process.once) }}
- name: tls
  secret:
    secretName: {{ include "heliograph-common.tlsSecret" . }}
    defaultMode: 0440
{{- end }}
{{- if and .facts.tokenKeys (not .process.once) }}
- name: token-keys
  secret:
    secretName: {{ .tokenKeys.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{/* The service's own Secret, and single keys of other Secrets, as far as the service reads files of such names. */}}
{{- define "heliograph-common.secretSources" -}}
{{- with .existingSecret }}
- secret:
    name: {{ . }}
{{- end }}
{{- range $file, $from := .secretKeys }}
{{- if has $file $.facts.secretFiles }}
- secret:
    name: {{ $from.secret }}
    items:
      - key: {{ $from.key }}
        path: {{ $file }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "heliograph-common.tlsSecret" -}}
{{ .certificates.existingSecret | default (printf "%s%s-tls" .namePrefix .service) }}
{{- end -}}
