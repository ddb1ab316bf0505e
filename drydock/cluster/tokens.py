"""Service account tokens: signed, bound to an account, checked without a database.

`TokenRequest` issues them, the server's authentication checks them. A token is a JWT signed with the
cluster's RSA key (RS256), with the claims of a real one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from drydock.cluster.errors import Obj

ISSUER = "https://kubernetes.default.svc.cluster.local"


@dataclass(frozen=True)
class Tokens:
    """Issue and check tokens with one key."""

    key: rsa.RSAPrivateKey

    @staticmethod
    def ephemeral() -> Tokens:
        """Return an issuer whose key ends with the process (tests)."""
        return Tokens(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @property
    def key_id(self) -> str:
        """Return the name of the key: the hash of its public half."""
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return _b64(hashlib.sha256(public).digest())

    def key_set(self) -> Obj:
        """Return the public key as others need it to check tokens (JWKS)."""
        numbers = self.key.public_key().public_numbers()
        parts = {
            name: _b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))
            for name, value in (("n", numbers.n), ("e", numbers.e))
        }
        key = {"use": "sig", "kty": "RSA", "kid": self.key_id, "alg": "RS256", **parts}
        return {"keys": [key]}

    def issue(self, account: Obj, *, seconds: int, audiences: list[str], bound: Obj | None) -> str:
        """Return a token for a service account object."""
        meta = account["metadata"]
        issued = int(time.time())
        claims: Obj = {"serviceaccount": {"name": meta["name"], "uid": meta["uid"]}}
        claims["namespace"] = meta["namespace"]
        if bound:
            claims[bound["kind"].lower()] = {"name": bound["name"], "uid": bound.get("uid", "")}
        payload = {
            "aud": audiences or [ISSUER],
            "exp": issued + seconds,
            "iat": issued,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": claims,
            "nbf": issued,
            "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
        }
        head = {"alg": "RS256", "kid": self.key_id, "typ": "JWT"}
        signed = f"{_encode(head)}.{_encode(payload)}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_b64(signature)}"

    def check(self, token: str) -> Obj | None:
        """Return the claims of a valid token, None for any other."""
        parts = token.split(".")
        if len(parts) != 3:
            return None
        try:
            signature = _unb64(parts[2])
            signed = f"{parts[0]}.{parts[1]}".encode()
            self.key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
            claims: Obj = json.loads(_unb64(parts[1]))
        except (InvalidSignature, ValueError):
            return None
        return claims if claims.get("exp", 0) > time.time() else None


def _encode(value: Obj) -> str:
    return _b64(json.dumps(value, separators=(",", ":")).encode())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
