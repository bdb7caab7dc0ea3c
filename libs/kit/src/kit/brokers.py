"""How Kafka's brokers are reached: one answer for every client, whichever of aiokafka's it is."""

import ssl
from typing import Any

from kit.settings import KafkaSettings

Where = KafkaSettings | str


def reached(where: Where) -> dict[str, Any]:
    """What a client of aiokafka is made with; a plain text is addresses that ask for nothing. Raises OSError (which
    ssl.SSLError is) when a certificate cannot be read."""
    if isinstance(where, str):
        return {"bootstrap_servers": where}
    told: dict[str, Any] = {"bootstrap_servers": where.kafka_bootstrap, "security_protocol": where.kafka_security}
    if where.kafka_security.endswith("SSL"):
        told["ssl_context"] = _tls(where)
    if where.kafka_security.startswith("SASL"):
        told |= {
            "sasl_mechanism": where.kafka_sasl_mechanism,
            "sasl_plain_username": where.kafka_username.get_secret_value(),
            "sasl_plain_password": where.kafka_password.get_secret_value(),
        }
    return told


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    if settings.kafka_cert_file:
        context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file)
    return context
