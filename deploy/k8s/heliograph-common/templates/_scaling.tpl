{{/* Not empty when something else than the Deployment says how many pods there are. */}}
{{- define "heliograph-common.scaled" -}}
{{- if .process.serves }}{{ if .autoscaling.enabled }}yes{{ end }}{{ else if and .keda.enabled .process.consumes }}yes{{ end -}}
{{- end -}}

{{/* Partitions of the topic with the most of them: more consumers than that would stand idle. */}}
{{- define "heliograph-common.partitions" -}}
{{- $most := 0 -}}
{{- range .process.consumes -}}
{{- $most = max $most (int (default $.kafka.partitions (get $.kafka.partitionsOf .topic))) -}}
{{- end -}}
{{- $most -}}
{{- end -}}

{{/* Stops what could not work. */}}
{{- define "heliograph-common.check" -}}
{{- if lt (int .shutdownGraceSeconds) (int .process.longest) -}}
{{- fail (printf "%s: shutdownGraceSeconds is %v, but a call may take %v" .component .shutdownGraceSeconds .process.longest) -}}
{{- end -}}
{{- if and .process.serves (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) -}}
{{- fail (printf "%s: autoscaling.minReplicas is more than autoscaling.maxReplicas" .component) -}}
{{- end -}}
{{- if .process.consumes -}}
{{- $partitions := int (include "heliograph-common.partitions" .) -}}
{{- if and .keda.enabled (gt (int .keda.maxReplicas) $partitions) -}}
{{- fail (printf "%s: keda.maxReplicas is %v, but its topics have %v partitions (kafka.partitions, kafka.partitionsOf)" .component .keda.maxReplicas $partitions) -}}
{{- end -}}
{{- if and (not .keda.enabled) (not .process.serves) (gt (int .replicas) $partitions) -}}
{{- fail (printf "%s: replicas is %v, but its topics have %v partitions (kafka.partitions, kafka.partitionsOf)" .component .replicas $partitions) -}}
{{- end -}}
{{- if and .keda.enabled (gt (int .keda.minReplicas) (int .keda.maxReplicas)) -}}
{{- fail (printf "%s: keda.minReplicas is more than keda.maxReplicas" .component) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "heliograph-common.autoscaler" -}}
{{- if and .process.serves .autoscaling.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .name }}
  minReplicas: {{ .autoscaling.minReplicas }}
  maxReplicas: {{ .autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .autoscaling.cpuUtilization }}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: {{ .autoscaling.scaleDownSeconds }}
{{- end -}}
{{- end -}}

{{- define "heliograph-common.lagScaler" -}}
{{- if and .keda.enabled .process.consumes (not .process.serves) -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    name: {{ .name }}
  minReplicaCount: {{ .keda.minReplicas }}
  maxReplicaCount: {{ .keda.maxReplicas }}
  pollingInterval: {{ .keda.pollingSeconds }}
  fallback:
    failureThreshold: 4
    replicas: {{ .keda.minReplicas }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown:
          stabilizationWindowSeconds: {{ .keda.scaleDownSeconds }}
  triggers:
    {{- range .process.consumes }}
    - type: kafka
      metadata:
        bootstrapServers: {{ $.kafka.bootstrap }}
        consumerGroup: {{ $.kafka.topicPrefix }}{{ .group }}
        topic: {{ $.kafka.topicPrefix }}{{ .topic }}
        lagThreshold: {{ include "heliograph-common.text" $.keda.lagThreshold | quote }}
        offsetResetPolicy: earliest
        allowIdleConsumers: "false"
      {{- with $.keda.authenticationRef }}
      authenticationRef:
        name: {{ . }}
      {{- end }}
    {{- end }}
{{- end -}}
{{- end -}}

{{- define "heliograph-common.budget" -}}
{{- if .podDisruptionBudget.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ .podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "heliograph-common.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}
