"""The cluster's own certificates, by an authority as short-lived as the run folder, and what its parts log in with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.k8s.test.place import API, API_IP, DOMAIN, NODE, NODE_IP

LIFE = timedelta(days=30)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Who:
    """`groups` are what Kubernetes takes the organisation for; `names` are those that it answers to."""

    file: str
    name: str
    groups: Sequence[str] = ()
    names: Sequence[str] = ()
    logs_in: bool = False


API_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}")
PARTS = (
    Who("apiserver", "kube-apiserver", names=(NODE_IP, API_IP, "127.0.0.1", *API_NAMES)),
    Who("kubelet-server", NODE, names=(NODE_IP, NODE)),
    Who("front-proxy", "front-proxy-client"),
    Who("apiserver-kubelet", "apiserver-kubelet", ("system:masters",)),
    Who("admin", "admin", ("system:masters",), logs_in=True),
    Who("controller-manager", "system:kube-controller-manager", logs_in=True),
    Who("scheduler", "system:kube-scheduler", logs_in=True),
    Who("kubelet", f"system:node:{NODE}", ("system:nodes",), logs_in=True),
    Who("proxy", "system:kube-proxy", logs_in=True),
)


def make(folder: Path) -> None:
    folder.chmod(0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "heliograph test cluster")])
    authority = _builder(issuer, issuer, key.public_key())
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    (folder / "ca.crt").write_bytes(authority.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    _keep(folder / "ca.key", key)
    for who in PARTS:
        _issue(folder, who, issuer, key)
    accounts = rsa.generate_private_key(65537, 2048)
    _keep(folder / "sa.key", accounts)
    public = accounts.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "sa.pub").write_bytes(public)


def _issue(folder: Path, who: Who, issuer: x509.Name, authority: ec.EllipticCurvePrivateKey) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in who.groups]
    subject = x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, who.name)])
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    made = _builder(subject, issuer, key.public_key()).add_extension(uses, critical=False)
    if who.names:
        made = made.add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in who.names]), critical=False
        )
    (folder / f"{who.file}.crt").write_bytes(made.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    _keep(folder / f"{who.file}.key", key)
    if who.logs_in:
        (folder / f"{who.file}.kubeconfig").write_text(_kubeconfig(folder, who.file))


def _alternative(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name.replace(".", "").isdecimal() else x509.DNSName(name)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + LIFE)


def _keep(path: Path, key: Key) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _kubeconfig(folder: Path, file: str) -> str:
    cluster = {"server": API, "certificate-authority": f"{folder}/ca.crt"}
    user = {"client-certificate": f"{folder}/{file}.crt", "client-key": f"{folder}/{file}.key"}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
            "current-context": "test",
        }
    )
