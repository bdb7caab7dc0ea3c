"""A small certificate authority for the services of one machine, and the folders that they read (see kit.certificates).

Made for a stack of one's own and for tests: its key lives in memory, so that what it signed is all there will ever be.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CALLERS = ("user", "graph", "post", "feed", "notify", "search", "gateway", "helio")
LIFE = timedelta(days=397)
_EARLIER = timedelta(minutes=5)  # clocks differ


@dataclass(frozen=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, life: timedelta = LIFE) -> Self:
        key, name = ec.generate_private_key(ec.SECP256R1()), _named("Heliograph of this machine")
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        made = _builder(name, name, key.public_key(), life)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        # Tells two authorities of one name apart, while both are trusted.
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        return cls(key, made.add_extension(usage, critical=True).sign(key, hashes.SHA256()))

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(
        self, identity: str, life: timedelta = LIFE, host: str = "127.0.0.1", names: Sequence[str] = ("localhost",)
    ) -> Mapping[str, bytes]:
        """tls.crt, tls.key and ca.crt of a service that answers to these names. `identity` is a service, or a URI."""
        key, issuer = ec.generate_private_key(ec.SECP256R1()), self.certificate.subject
        uri = identity if ":" in identity else f"spiffe://heliograph/{identity}"
        own: list[x509.GeneralName] = [*(x509.DNSName(name) for name in names), x509.UniformResourceIdentifier(uri)]
        made = _builder(_named(identity), issuer, key.public_key(), life)
        made = made.add_extension(x509.SubjectAlternativeName([*own, x509.IPAddress(ip_address(host))]), critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        made = made.add_extension(signer, critical=False)
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        signed = made.add_extension(uses, critical=False).sign(self.key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {"tls.crt": signed.public_bytes(Encoding.PEM), "tls.key": private, "ca.crt": self.pem}


def place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files into a folder all at once, as Kubernetes does it: each is a link through `..data`, which is swapped."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = folder / "..data"
    before = data.resolve() if data.is_symlink() else None
    version = next(name for number in count() if not (name := folder / f"..{number}").exists())
    version.mkdir(mode=0o700)
    for name, content in files.items():
        descriptor = os.open(version / name, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    swap = folder / "..data.next"
    swap.symlink_to(version.name)
    swap.replace(data)
    if before:
        shutil.rmtree(before)


def furnish(root: Path) -> None:
    """A new authority, and a folder for each that may call."""
    authority = Authority.make()
    for name in CALLERS:
        place(root / name, authority.issue(name))


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now - _EARLIER).not_valid_after(now + life)
