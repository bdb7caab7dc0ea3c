{{/* Everything that a process reads and is no secret, sorted by name; `settings` has the last word, then extraEnv. */}}
{{- define "heliograph-common.env" -}}
{{- $env := dict "LOG_LEVEL" .logLevel -}}
{{- if include "heliograph-common.secretSources" . -}}
{{- $_ := set $env "SECRETS_DIR" "/run/heliograph/secrets" -}}
{{- end -}}
{{- if not .process.once -}}
{{- $_ := include "heliograph-common.envOfProcess" (dict "env" $env "process" .) -}}
{{- end -}}
{{- range $store := .process.stores -}}
{{- $_ := include (printf "heliograph-common.envOf.%s" $store) (dict "env" $env "settings" $) -}}
{{- end -}}
{{- range $name, $text := .facts.derived -}}
{{- $_ := set $env (upper $name) (tpl $text (dict "publicUrl" $.publicUrl "mediaUrl" $.mediaUrl "Template" $.root.Template)) -}}
{{- end -}}
{{- range $name, $value := .settings -}}
{{- $_ := set $env (upper $name) (include "heliograph-common.text" $value) -}}
{{- end -}}
{{- $own := list -}}
{{- range .extraEnv -}}{{- $own = append $own .name -}}{{- end -}}
{{- range $name, $value := $env }}
{{- $full := regexMatch "^(PGSSL|AWS_)" $name | ternary $name (printf "HELIOGRAPH_%s" $name) }}
{{- if not (has $full $own) }}
- name: {{ $full }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- with .extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "heliograph-common.envOfProcess" -}}
{{- $process := .process -}}
{{- $_ := set .env "OPS_LISTEN" "0.0.0.0:9090" -}}
{{- $_ := set .env "REVISION" (include "heliograph-common.version" $process | trunc 64) -}}
{{- $_ := set .env "SHUTDOWN_GRACE_SECONDS" (include "heliograph-common.text" $process.shutdownGraceSeconds) -}}
{{- $_ := set .env "TRACE_SAMPLE_RATIO" (include "heliograph-common.text" $process.tracing.sampleRatio) -}}
{{- with $process.tracing.endpoint -}}
{{- $_ := set $.env "OTLP_ENDPOINT" . -}}
{{- end -}}
{{- if $process.process.serves -}}
{{- $_ := set .env "LISTEN" "0.0.0.0:8080" -}}
{{- end -}}
{{- if eq (default "" $process.process.serves) "grpc" -}}
{{- $_ := set .env "PROBE_LISTEN" "0.0.0.0:8081" -}}
{{- end -}}
{{- if $process.mtls.enabled -}}
{{- $_ := set .env "TLS_DIR" "/run/heliograph/tls" -}}
{{- end -}}
{{- if and $process.mtls.enabled (eq (default "" $process.process.serves) "grpc") $process.allowedCallers -}}
{{- $_ := set .env "ALLOWED_CALLERS" (join "," $process.allowedCallers) -}}
{{- end -}}
{{- range $peer := $process.process.calls -}}
{{- $_ := set $.env (printf "%s_TARGET" (upper $peer)) (include "heliograph-common.peer" (dict "of" $process "name" $peer)) -}}
{{- end -}}
{{- if $process.facts.tokenKeys -}}
{{- $_ := set .env "TOKEN_KEYS_DIR" "/run/heliograph/token-keys" -}}
{{- $_ := set .env "TOKEN_KEY_SETTLING_SECONDS" (include "heliograph-common.text" $process.tokenKeys.settlingSeconds) -}}
{{- end -}}
{{- end -}}

{{/* Where a peer is: every pod of its headless Service, which the caller balances over. */}}
{{- define "heliograph-common.peer" -}}
{{- $said := default dict (get (default dict .of.peers) .name) -}}
{{ $said.address | default (printf "dns:///%s%s.%s.svc:8080" .of.namePrefix .name .of.root.Release.Namespace) }}
{{- end -}}

{{/* A file among the secrets. */}}
{{- define "heliograph-common.secretFile" -}}
/run/heliograph/secrets/{{ . }}
{{- end -}}

{{- define "heliograph-common.envOf.redis" -}}{{- end -}}

{{- define "heliograph-common.envOf.postgres" -}}
{{- $_ := set .env "POSTGRES_POOL_SIZE" (include "heliograph-common.text" .settings.postgres.poolSize) -}}
{{- with .settings.postgres.sslMode -}}{{- $_ := set $.env "PGSSLMODE" . -}}{{- end -}}
{{- with .settings.postgres.caFile -}}{{- $_ := set $.env "PGSSLROOTCERT" (include "heliograph-common.secretFile" .) -}}{{- end -}}
{{- end -}}

{{- define "heliograph-common.envOf.kafka" -}}
{{- $kafka := .settings.kafka -}}
{{- $_ := set .env "KAFKA_BOOTSTRAP" $kafka.bootstrap -}}
{{- $_ := set .env "TOPIC_PREFIX" $kafka.topicPrefix -}}
{{- $_ := set .env "KAFKA_SECURITY" $kafka.security -}}
{{- with $kafka.saslMechanism -}}{{- $_ := set $.env "KAFKA_SASL_MECHANISM" . -}}{{- end -}}
{{- with $kafka.caFile -}}{{- $_ := set $.env "KAFKA_CA_FILE" (include "heliograph-common.secretFile" .) -}}{{- end -}}
{{- if $kafka.clientCertificate -}}
{{- $_ := set .env "KAFKA_CERT_FILE" (include "heliograph-common.secretFile" "kafka_client.crt") -}}
{{- $_ := set .env "KAFKA_KEY_FILE" (include "heliograph-common.secretFile" "kafka_client.key") -}}
{{- end -}}
{{- end -}}

{{- define "heliograph-common.envOf.cassandra" -}}
{{- $cassandra := .settings.cassandra -}}
{{- $_ := set .env "CASSANDRA_CONTACT_POINTS" (join "," $cassandra.contactPoints) -}}
{{- $_ := set .env "CASSANDRA_KEYSPACE" ($cassandra.keyspace | default (printf "heliograph_%s" .settings.service)) -}}
{{- $_ := set .env "CASSANDRA_LOCAL_DC" $cassandra.localDc -}}
{{- $_ := set .env "CASSANDRA_CONSISTENCY" $cassandra.consistency -}}
{{- $copies := include "heliograph-common.text" $cassandra.replicationFactor -}}
{{- $_ := set .env "CASSANDRA_REPLICATION" (printf "{'class': 'NetworkTopologyStrategy', '%s': %s}" $cassandra.localDc $copies) -}}
{{- if $cassandra.tls -}}{{- $_ := set .env "CASSANDRA_TLS" "true" -}}{{- end -}}
{{- with $cassandra.caFile -}}{{- $_ := set $.env "CASSANDRA_CA_FILE" (include "heliograph-common.secretFile" .) -}}{{- end -}}
{{- end -}}

{{- define "heliograph-common.envOf.elasticsearch" -}}
{{- $elasticsearch := .settings.elasticsearch -}}
{{- $_ := set .env "ELASTICSEARCH_URL" $elasticsearch.url -}}
{{- $_ := set .env "SEARCH_INDEX_PREFIX" $elasticsearch.indexPrefix -}}
{{- with $elasticsearch.caFile -}}{{- $_ := set $.env "ELASTICSEARCH_CA_FILE" (include "heliograph-common.secretFile" .) -}}{{- end -}}
{{- end -}}

{{- define "heliograph-common.envOf.s3" -}}
{{- $s3 := .settings.s3 -}}
{{- $_ := set .env "S3_ENDPOINT" $s3.endpoint -}}
{{- $_ := set .env "S3_BUCKET" $s3.bucket -}}
{{- $_ := set .env "S3_REGION" $s3.region -}}
{{- with $s3.publicEndpoint -}}{{- $_ := set $.env "S3_PUBLIC_ENDPOINT" . -}}{{- end -}}
{{- with $s3.caFile -}}{{- $_ := set $.env "AWS_CA_BUNDLE" (include "heliograph-common.secretFile" .) -}}{{- end -}}
{{- end -}}
