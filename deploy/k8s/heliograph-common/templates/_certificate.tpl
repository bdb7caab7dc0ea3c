{{/* Who the service is: to those it calls by its URI, to those who call it by the names of its Services. */}}
{{- define "heliograph-common.certificate" -}}
{{- if and .mtls.enabled .certificates.create (not .certificates.existingSecret) -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- include "heliograph-common.metadata" . | nindent 2 }}
spec:
  secretName: {{ include "heliograph-common.tlsSecret" . }}
  commonName: {{ .service }}
  uris:
    - spiffe://heliograph/{{ .service }}
  dnsNames:
    {{- range $domain := list "" (printf ".%s" .root.Release.Namespace) (printf ".%s.svc" .root.Release.Namespace) (printf ".%s.svc.%s" .root.Release.Namespace .clusterDomain) }}
    - {{ $.name }}{{ $domain }}
    {{- end }}
  usages: [digital signature, server auth, client auth]
  duration: {{ .certificates.duration }}
  renewBefore: {{ .certificates.renewBefore }}
  privateKey:
    algorithm: ECDSA
    size: 256
    rotationPolicy: Always
  issuerRef:
    {{- toYaml .certificates.issuerRef | nindent 4 }}
{{- end -}}
{{- end -}}
