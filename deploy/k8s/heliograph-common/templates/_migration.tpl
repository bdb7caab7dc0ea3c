{{/*
The schema, expanded before new pods come: a hook, so that a failure stops the upgrade with the old pods untouched. Its
policy is one too, or the Job of a first install would have none. Old code runs beside the new schema at all times.
*/}}
{{- define "heliograph-common.migration" -}}
{{- if and .facts.migrate .migrations.enabled -}}
{{- $_ := set . "component" (printf "%s-migrate" .service) -}}
{{- $_ := set . "name" (printf "%s-migrate" .name) -}}
{{- $_ := set . "process" (merge (dict "once" true) .facts.migrate) -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "0"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: {{ .migrations.backoffLimit }}
  activeDeadlineSeconds: {{ .migrations.deadlineSeconds }}
  template:
    metadata:
      labels:
        {{- include "heliograph-common.podLabels" . | nindent 8 }}
    spec:
      restartPolicy: Never
      {{- include "heliograph-common.podSpec" . | nindent 6 }}
      containers:
        - name: migrate
          {{- include "heliograph-common.container" . | nindent 10 }}
          resources:
            {{- toYaml .migrations.resources | nindent 12 }}
      volumes:
        {{- include "heliograph-common.volumes" . | nindent 8 }}
{{- if .networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-10"
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  podSelector:
    matchLabels:
      {{- include "heliograph-common.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress: []
  egress:
    {{- include "heliograph-common.egressRules" . | nindent 4 }}
{{- end }}
{{- end -}}
{{- end -}}
