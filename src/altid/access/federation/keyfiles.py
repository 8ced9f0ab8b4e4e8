"""Secrets, keys and certificates that `identity.toml` names. No message holds anything of them."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificate
from joserfc.jwk import ECKey, RSAKey

from altid.access.federation.table import Table

SECRET_CHARACTERS_MAX = 1_024
RSA_BITS_MIN = 2_048


def secret_text(table: Table, path: Path) -> str:
    """The one line of a file that only its owner may read."""
    try:
        secret = _private(table, path).decode("utf-8").strip()
    except UnicodeDecodeError:
        secret = ""
    if not 0 < len(secret) <= SECRET_CHARACTERS_MAX or not secret.isprintable():
        raise table.fault(f"{path.name} must hold the secret in one line")
    return secret


def rsa_key(table: Table, path: Path) -> RSAPrivateKey:
    key = _key(table, path)
    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS_MIN:
        raise table.fault(f"{path.name} must be an RSA key of {RSA_BITS_MIN} bits at least (PEM)")
    return key


def ec_or_rsa_key(table: Table, path: Path) -> RSAPrivateKey | EllipticCurvePrivateKey:
    key = _key(table, path)
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    if isinstance(key, RSAPrivateKey) and key.key_size >= RSA_BITS_MIN:
        return key
    raise table.fault(f"{path.name} must be an EC key on P-256 or an RSA key of {RSA_BITS_MIN} bits (PEM)")


def key_id(key: RSAPrivateKey | EllipticCurvePrivateKey) -> str:
    """The key's thumbprint (RFC 7638), which names it where the file gives no other name."""
    jwk = RSAKey.import_key(key) if isinstance(key, RSAPrivateKey) else ECKey.import_key(key)
    return jwk.thumbprint()


def read_certificate(table: Table, path: Path) -> Certificate:
    try:
        return load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise table.fault(f"{path.name} can't be read ({type(error).__name__})") from None
    except ValueError:
        raise table.fault(f"{path.name} is no certificate (PEM)") from None


def _key(table: Table, path: Path) -> object:
    try:
        return load_pem_private_key(_private(table, path), None)
    except (ValueError, TypeError):
        raise table.fault(f"{path.name} is no private key without a password (PEM)") from None


def _private(table: Table, path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise table.fault(f"others may read {path.name}: chmod 600 it")
        return path.read_bytes()
    except OSError as error:
        raise table.fault(f"{path.name} can't be read ({type(error).__name__})") from None
