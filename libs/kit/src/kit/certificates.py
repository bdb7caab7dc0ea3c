"""A process's certificate, its key and the authorities it trusts, as a folder that is renewed while the process runs.

The folder holds tls.crt (the certificate and what stands between it and its authority), tls.key and ca.crt (one or more
authorities), all PEM. Whoever renews it swaps the files, one by one or all at once; what does not fit together is left
alone until it does.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kit import log, metrics
from kit.settings import BadSettings

IDENTITY = "spiffe://heliograph/"
FILES = ("tls.crt", "tls.key", "ca.crt")
_LOOK_SECONDS = 1.0

Signature = tuple[tuple[int, int, int], ...]

logger = log.get(__name__)


class BadCertificates(Exception):
    """Files that cannot be used, in a line. Says nothing of what is in them."""


@dataclass(frozen=True)
class Material:
    """`name` is the service that the certificate stands for, `expires` when it does, in seconds since 1970."""

    chain: bytes
    key: bytes = field(repr=False)
    authorities: bytes
    name: str
    expires: float

    @property
    def for_channels(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.authorities, self.key, self.chain)

    @property
    def for_servers(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(self.key, self.chain)], self.authorities)


class Certificates:
    """What is in the folder now. Looks there at most once a second; may be used from any thread.

    Raises BadSettings when there is nothing to begin with. Later faults are logged, and what was there before stays.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        try:
            self._seen = _signature(folder)
            self._material = read(folder)
        except (OSError, BadCertificates) as error:
            raise BadSettings([f"HELIOGRAPH_TLS_DIR: {_told(error)}"]) from None
        self._look_at = clock() + _LOOK_SECONDS
        metrics.CERTIFICATE_EXPIRES.set_function(lambda: self.current().expires)

    def current(self) -> Material:
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + _LOOK_SECONDS
            self._look()
        return self._material

    def _look(self) -> None:
        try:
            now = _signature(self._folder)
            if now == self._seen:
                return
            material = read(self._folder)
            if _signature(self._folder) != now:
                return  # they are being swapped: the next look tells
        except (OSError, BadCertificates) as error:
            metrics.CERTIFICATE_FAULTS.inc()
            logger.warning("certificates not renewed", reason=_told(error))
            return
        self._seen = now
        if material != self._material:
            self._material = material
            logger.info("certificates renewed", name=material.name, expires=int(material.expires))


def server_credentials(certificates: Certificates) -> grpc.ServerCredentials:
    """Wants a certificate of every client, and takes renewed files with the next connection."""
    given = certificates.current()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        """Called by gRPC, in a thread of its own, before each handshake. None: what it has still holds."""
        nonlocal given
        current = certificates.current()
        if current is given:
            return None
        given = current
        return current.for_servers

    fetch = cast("Callable[[], grpc.ServerCertificateConfiguration]", renewed)  # its type forgets None
    return grpc.dynamic_ssl_server_credentials(given.for_servers, fetch, require_client_authentication=True)


def read(folder: Path) -> Material:
    """Raises OSError or BadCertificates."""
    chain, key, authorities = ((folder / name).read_bytes() for name in FILES)
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
        x509.load_pem_x509_certificates(authorities)
        fits = load_pem_private_key(key, None).public_key() == certificate.public_key()
    except (ValueError, TypeError):
        raise BadCertificates("tls.crt, tls.key or ca.crt is no PEM as it should be") from None
    if not fits:
        raise BadCertificates("tls.key is not the key of tls.crt")
    return Material(chain, key, authorities, _name(certificate), certificate.not_valid_after_utc.timestamp())


def _name(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise BadCertificates("tls.crt has no subject alternative names") from None
    found = names.get_values_for_type(x509.UniformResourceIdentifier)
    name = name_in(found[0]) if len(found) == 1 else ""
    if not name:
        raise BadCertificates(f"tls.crt wants one URI among its names, {IDENTITY}<service>")
    return name


def name_in(uri: str) -> str:
    """The service that an identity names; empty for what is none of ours."""
    name = uri.removeprefix(IDENTITY)
    return "" if name == uri or "/" in name else name


def _signature(folder: Path) -> Signature:
    """Changes when a file does, also when it is a link that leads elsewhere now."""
    found = ((folder / name).stat() for name in FILES)
    return tuple((file.st_ino, file.st_mtime_ns, file.st_size) for file in found)


def _told(error: OSError | BadCertificates) -> str:
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
