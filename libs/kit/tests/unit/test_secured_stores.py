"""Backing servers that ask for a name, a password or a certificate. Handshakes take place in memory."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from devstack.authority import Authority, place
from kit.brokers import reached
from kit.cql import cluster_of
from kit.settings import BadSettings, CassandraSettings, ElasticsearchSettings, KafkaSettings, read

SASL = {"kafka_security": "SASL_SSL", "kafka_username": "photos", "kafka_password": "hidden"}


@dataclass(frozen=True)
class Files:
    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        return self.folder / "tls.key"

    def server(self) -> ssl.SSLContext:
        """One that asks for a certificate of the same authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.authority)
        context.load_cert_chain(self.certificate, self.key)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return made(tmp_path / "ours")


def made(folder: Path) -> Files:
    place(folder, Authority.make().issue("user"))
    return Files(folder)


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str | None) -> None:
    """Raises ssl.SSLError when either refuses the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def kafka(**told: object) -> KafkaSettings:
    return read(KafkaSettings, kafka_bootstrap="localhost:9093", **told)


def test_brokers_that_ask_for_nothing_are_told_nothing() -> None:
    assert reached("a:1,b:2") == {"bootstrap_servers": "a:1,b:2"}
    assert reached(kafka()) == {"bootstrap_servers": "localhost:9093", "security_protocol": "PLAINTEXT"}


def test_brokers_are_told_name_and_password(files: Files) -> None:
    told = reached(kafka(**SASL, kafka_sasl_mechanism="PLAIN", kafka_ca_file=files.authority))
    assert (told["security_protocol"], told["sasl_mechanism"]) == ("SASL_SSL", "PLAIN")
    assert (told["sasl_plain_username"], told["sasl_plain_password"]) == ("photos", "hidden")
    assert isinstance(told["ssl_context"], ssl.SSLContext)


def test_a_broker_is_believed_by_its_authority_and_shown_our_certificate(files: Files) -> None:
    told = kafka(
        kafka_security="SSL",
        kafka_ca_file=files.authority,
        kafka_cert_file=files.certificate,
        kafka_key_file=files.key,
    )
    shake_hands(reached(told)["ssl_context"], files.server(), "localhost")


def test_a_broker_of_another_authority_or_name_is_not(files: Files, tmp_path: Path) -> None:
    theirs = made(tmp_path / "theirs")
    context = reached(kafka(kafka_security="SSL", kafka_ca_file=files.authority))["ssl_context"]
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, theirs.server(), "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, files.server(), "elsewhere")


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="HELIOGRAPH_KAFKA_CA_FILE"):
        kafka(kafka_ca_file=tmp_path / "none")


def test_no_password_shows() -> None:
    assert "hidden" not in repr(kafka(**SASL))


def cassandra(**told: object) -> CassandraSettings:
    return read(CassandraSettings, cassandra_contact_points="127.0.0.1:9042", cassandra_keyspace="feed", **told)


def test_cassandra_is_told_name_and_password_and_believed_by_its_authority(files: Files, tmp_path: Path) -> None:
    told = cassandra(
        cassandra_username="photos", cassandra_password="hidden", cassandra_tls=True, cassandra_ca_file=files.authority
    )
    cluster = cluster_of(told, 1)
    assert (cluster.auth_provider.username, cluster.auth_provider.password) == ("photos", "hidden")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(cluster.ssl_context, made(tmp_path / "theirs").server(), None)


def test_cassandra_without_either_is_spoken_to_as_it_is() -> None:
    cluster = cluster_of(cassandra(), 1)
    assert (cluster.auth_provider, cluster.ssl_context) == (None, None)


def test_elasticsearch_is_told_the_key_or_the_password(files: Files) -> None:
    def access(**told: object) -> dict[str, object]:
        return read(ElasticsearchSettings, elasticsearch_url="https://a:9200", **told).elasticsearch_access

    assert access() == {}
    assert access(elasticsearch_username="photos", elasticsearch_password="hidden") == {
        "basic_auth": ("photos", "hidden")
    }
    assert access(elasticsearch_api_key="key", elasticsearch_ca_file=files.authority) == {
        "api_key": "key",
        "ca_certs": str(files.authority),
    }
