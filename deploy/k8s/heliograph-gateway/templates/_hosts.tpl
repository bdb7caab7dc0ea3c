{{/* The names that lead here, as JSON: those that are said, else that of publicUrl. */}}
{{- define "heliograph-gateway.hosts" -}}
{{- .hosts | default (list (urlParse .publicUrl).hostname) | toJson -}}
{{- end -}}

{{/* What goes to gateway-upload: path and type of match. Everything else goes to gateway. */}}
{{- define "heliograph-gateway.uploadPaths" -}}
- {path: /v1/media/upload, type: Exact}
- {path: /v1/me/avatar, type: Exact}
- {path: /media/, type: Prefix}
{{- end -}}
