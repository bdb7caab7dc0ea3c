{{- define "heliograph-logs.labels" -}}
app.kubernetes.io/name: logs
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: logs
app.kubernetes.io/part-of: heliograph-logs
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "heliograph-logs.selector" -}}
app.kubernetes.io/name: logs
app.kubernetes.io/part-of: heliograph-logs
{{- end -}}

{{/*
Fluent Bit's pipeline. The name of a container's file says which pod it is of, so it asks the cluster for nothing and needs
no token. Only lines of our own shape go on, with what the process itself wrote and the pod's name: nothing about people is
added. A line's id is made from the line, so that one that is read twice is stored once.
*/}}
{{- define "heliograph-logs.config" -}}
{{- with .Values.elasticsearch.existingSecret }}
env:
  - name: ELASTICSEARCH_USERNAME
    uri: file:///run/elasticsearch/username
    refresh_interval: 60
  - name: ELASTICSEARCH_PASSWORD
    uri: file:///run/elasticsearch/password
    refresh_interval: 60
{{- end }}
service:
  flush: 1
  grace: 10
  log_level: warn
  http_server: on
  http_listen: 0.0.0.0
  http_port: 2020
  health_check: on
  storage.path: /state/chunks
  storage.max_chunks_up: 32
parsers:
  - name: heliograph
    format: json
    time_key: timestamp
    time_format: "%Y-%m-%dT%H:%M:%S.%L%z"
    time_keep: off
  - name: place
    format: regex
    regex: '^/var/log/containers/(?<pod>[^_]+)_(?<namespace>[^_]+)_(?<container>.+)-[0-9a-f]{64}\.log$'
pipeline:
  inputs:
    {{- range .Values.namespaces | default (list .Release.Namespace) }}
    - name: tail
      tag: heliograph.{{ . }}
      path: /var/log/containers/*_{{ . }}_*.log
      multiline.parser: cri
      path_key: file
      db: /state/{{ . }}.db
      storage.type: filesystem
      mem_buf_limit: 16M
      skip_long_lines: on
      refresh_interval: 5
    {{- end }}
  filters:
    - name: parser
      match: heliograph.*
      key_name: log
      parser: heliograph
      reserve_data: on
    - name: grep
      match: heliograph.*
      regex: service ^(user|graph|post|feed|notify|search|gateway)
    - name: parser
      match: heliograph.*
      key_name: file
      parser: place
      reserve_data: on
    - name: modify
      match: heliograph.*
      remove_regex: ^(_p|time|logtag)$
  outputs:
    - name: es
      match: heliograph.*
      host: {{ .Values.elasticsearch.host }}
      port: {{ .Values.elasticsearch.port }}
      index: {{ .Values.elasticsearch.index }}
      suppress_type_name: on
      write_operation: create
      generate_id: on
      time_key: "@timestamp"
      time_key_nanos: on
      compress: gzip
      retry_limit: no_limits
      storage.total_limit_size: 256M
      tls: {{ ternary "on" "off" .Values.elasticsearch.tls }}
      {{- with .Values.elasticsearch.existingSecret }}
      http_user: ${ELASTICSEARCH_USERNAME}
      http_passwd: ${ELASTICSEARCH_PASSWORD}
      {{- if $.Values.elasticsearch.tls }}
      tls.ca_file: /run/elasticsearch/ca.crt
      {{- end }}
      {{- end }}
{{- end -}}
