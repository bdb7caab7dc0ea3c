{{/* Written by `make charts-values` from deploy/k8s/values. */}}
{{- define "heliograph-common.defaults" -}}
namePrefix: ""
commonLabels: {}
clusterDomain: cluster.local
publicUrl: https://heliograph.example
mediaUrl: ""
image:
  repository: heliograph
  tag: ""
  digest: ""
  pullPolicy: IfNotPresent
imagePullSecrets: []
logLevel: INFO
tracing:
  endpoint: ""
  sampleRatio: 0.01
mtls:
  enabled: true
certificates:
  create: true
  existingSecret: ""
  issuerRef: {name: heliograph, kind: Issuer, group: cert-manager.io}
  duration: 2160h
  renewBefore: 720h
secretKeys: {}
secretsRevision: ""
peers:
  user:
    address: ""
  graph:
    address: ""
  post:
    address: ""
  feed:
    address: ""
  notify:
    address: ""
  search:
    address: ""
postgres:
  poolSize: 10
  sslMode: ""
  caFile: ""
kafka:
  bootstrap: kafka:9092
  topicPrefix: heliograph.
  security: PLAINTEXT
  saslMechanism: ""
  caFile: ""
  clientCertificate: false
  partitions: 6
  partitionsOf: {}
cassandra:
  contactPoints: ["cassandra:9042"]
  localDc: datacenter1
  replicationFactor: 3
  consistency: LOCAL_QUORUM
  keyspace: ""
  tls: false
  caFile: ""
elasticsearch:
  url: http://elasticsearch:9200
  indexPrefix: heliograph
  caFile: ""
s3:
  endpoint: http://s3:9000
  publicEndpoint: ""
  bucket: heliograph-media
  region: us-east-1
  caFile: ""
networkPolicy:
  enabled: true
  clients: []
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  dns: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
  egress:
    postgres: {ports: [5432], to: []}
    redis: {ports: [6379], to: []}
    kafka: {ports: [9092, 9093, 9094], to: []}
    cassandra: {ports: [9042], to: []}
    elasticsearch: {ports: [9200], to: []}
    s3: {ports: [443, 9000], to: []}
    smtp: {ports: [25, 465, 587], to: []}
    otlp: {ports: [4317], to: []}
  extraIngress: []
  extraEgress: []
metrics:
  monitors: false
  labels: {}
  interval: 15s
migrations:
  enabled: true
  backoffLimit: 6
  deadlineSeconds: 900
  resources: {requests: {cpu: 50m, memory: 128Mi, ephemeral-storage: 64Mi}, limits: {memory: 512Mi, ephemeral-storage: 320Mi}}
replicas: 2
revisionHistoryLimit: 5
maxSurge: 25%
resources: {requests: {cpu: 100m, memory: 192Mi, ephemeral-storage: 64Mi}, limits: {memory: 512Mi, ephemeral-storage: 320Mi}}
tmpSize: 256Mi
shutdownGraceSeconds: 20
preStopSeconds: 8
extraEnv: []
podAnnotations: {}
podLabels: {}
podSecurityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, fsGroupChangePolicy: OnRootMismatch, seccompProfile: {type: RuntimeDefault}}
serviceAccountName: ""
nodeSelector: {}
tolerations: []
affinity: {}
priorityClassName: ""
topologySpreadConstraints: []
podDisruptionBudget:
  enabled: true
  maxUnavailable: 1
autoscaling:
  enabled: true
  minReplicas: 2
  maxReplicas: 10
  cpuUtilization: 70
  scaleDownSeconds: 300
keda:
  enabled: false
  minReplicas: 2
  maxReplicas: 6
  lagThreshold: 500
  pollingSeconds: 15
  scaleDownSeconds: 300
  authenticationRef: ""
{{- end -}}
