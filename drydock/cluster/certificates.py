"""The cluster's certificate authority, serving certificate, admin credentials and kubeconfig.

`__main__` opens it once per start; everything lies under the state directory with mode 0600 and is
kept, so that a kubeconfig stays good across restarts. Invariant: private keys and the token are
never logged and never in an error.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import secrets
import ssl
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from drydock.cluster.tokens import Tokens

NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
)
ADDRESSES = ("127.0.0.1", "10.96.0.1")
_YEARS = 10
_RENEW_DAYS = 30


class Authority:
    """Keys and certificates of one cluster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._make_missing()

    @property
    def root(self) -> str:
        """Return the CA certificate (PEM)."""
        return (self._folder / "ca.crt").read_text()

    @property
    def token(self) -> str:
        """Return the token of the administrator."""
        return (self._folder / "admin.token").read_text().strip()

    @property
    def tokens(self) -> Tokens:
        """Return the issuer of service account tokens."""
        key = serialization.load_pem_private_key(
            (self._folder / "accounts.key").read_bytes(), password=None
        )
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("accounts.key holds no RSA key; remove it and start the cluster again")
        return Tokens(key)

    def server_context(self) -> ssl.SSLContext:
        """Return a TLS context that asks clients for a certificate but does not insist."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "server.crt", self._folder / "server.key")
        context.load_verify_locations(self._folder / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context

    def write_kubeconfig(self, path: Path, server: str) -> None:
        """Write the administrator's kubeconfig, mode 0600, in one step."""
        encoded = {
            name: base64.b64encode((self._folder / name).read_bytes()).decode()
            for name in ("ca.crt", "admin.crt", "admin.key")
        }
        cluster = {"server": server, "certificate-authority-data": encoded["ca.crt"]}
        user = {
            "client-certificate-data": encoded["admin.crt"],
            "client-key-data": encoded["admin.key"],
        }
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "drydock", "cluster": cluster}],
            "users": [{"name": "drydock-admin", "user": user}],
            "contexts": [
                {"name": "drydock", "context": {"cluster": "drydock", "user": "drydock-admin"}}
            ],
            "current-context": "drydock",
        }
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, yaml.safe_dump(content, sort_keys=False).encode())

    def _make_missing(self) -> None:
        here = self._folder
        if not (here / "ca.key").exists() or not (here / "ca.crt").exists():
            key = ec.generate_private_key(ec.SECP256R1())
            _write(here / "ca.key", _pem(key))
            _write(here / "ca.crt", _signed(key, None, "drydock-ca", ()))
            for name in ("server.crt", "admin.crt"):
                (here / name).unlink(missing_ok=True)
        if _stale(here / "server.crt"):
            self._issue("server", "kube-apiserver", ())
        if _stale(here / "admin.crt"):
            self._issue("admin", "kubernetes-admin", ("system:masters",))
        if not (here / "admin.token").exists():
            _write(here / "admin.token", secrets.token_hex(32).encode())
        if not (here / "accounts.key").exists():
            _write(
                here / "accounts.key",
                _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
            )

    def _issue(self, name: str, common: str, groups: tuple[str, ...]) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        _write(self._folder / f"{name}.key", _pem(key))
        _write(self._folder / f"{name}.crt", _signed(key, self._folder, common, groups))


def _signed(
    key: ec.EllipticCurvePrivateKey, folder: Path | None, common: str, groups: tuple[str, ...]
) -> bytes:
    """Return a certificate: of the authority itself when there is no folder, else signed by it."""
    subject = x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365 * _YEARS))
    )
    if folder is None:
        usage = _usage(signs=True)
        builder = (
            builder.issuer_name(subject)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        made = builder.sign(key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)
    issuer = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("ca.key holds no EC key; remove the folder and start the cluster again")
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH if groups else ExtendedKeyUsageOID.SERVER_AUTH
    builder = (
        builder.issuer_name(issuer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if not groups:
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
        alternatives += [x509.IPAddress(ipaddress.ip_address(one)) for one in ADDRESSES]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _stale(path: Path) -> bool:
    if not path.exists():
        return True
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return left < datetime.timedelta(days=_RENEW_DAYS)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, data: bytes) -> None:
    """Write a private file so that no reader ever sees half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    part.replace(path)
