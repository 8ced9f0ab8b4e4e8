"""Encrypted assertions (XML Encryption 1.1), opened with our key.

AES-GCM tells when something was altered. AES-CBC doesn't: who may send made-up texts and sees what becomes of
them can read with it what others have encrypted. So CBC is accepted only inside a response whose signature
was checked before, and RSA is OAEP always.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm

from altid.access.federation.saml.xml import ENCRYPTION, PREFIXES, XmlError, only, parsed, text_of

_ENCRYPTION_11: Final = "http://www.w3.org/2009/xmlenc11#"
_GCM: Final = {f"{_ENCRYPTION_11}aes128-gcm": 16, f"{_ENCRYPTION_11}aes256-gcm": 32}
_CBC: Final = {f"{ENCRYPTION}aes128-cbc": 16, f"{ENCRYPTION}aes256-cbc": 32}
_DIGESTS: Final[dict[str, type[HashAlgorithm]]] = {
    "http://www.w3.org/2000/09/xmldsig#sha1": SHA1,
    "http://www.w3.org/2001/04/xmlenc#sha256": SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": SHA384,
    "http://www.w3.org/2001/04/xmlenc#sha512": SHA512,
}
"""SHA-1 is sound where OAEP uses it, and the default of the standard."""
_MASKS: Final[dict[str, type[HashAlgorithm]]] = {
    f"{_ENCRYPTION_11}mgf1sha1": SHA1,
    f"{_ENCRYPTION_11}mgf1sha256": SHA256,
    f"{_ENCRYPTION_11}mgf1sha384": SHA384,
    f"{_ENCRYPTION_11}mgf1sha512": SHA512,
}
_OAEP: Final = {f"{ENCRYPTION}rsa-oaep-mgf1p", f"{_ENCRYPTION_11}rsa-oaep"}
_NONCE_BYTES, _BLOCK_BYTES = 12, 16
_PREFIXES = {**PREFIXES, "xenc11": _ENCRYPTION_11}


class DecryptionError(ValueError):
    """It can't be opened. One text for all that is wrong inside: it must tell nothing."""


def decrypted(element: Any, key: RSAPrivateKey, *, is_authentic: bool) -> Any:
    """The root of what an EncryptedAssertion holds. Raises `DecryptionError`.

    `is_authentic`: a signature that covers it was checked already.
    """
    try:
        data = only(element, "xenc:EncryptedData")
        wrapped = None if data is None else _encrypted_key(element, data)
        if data is None or wrapped is None:
            raise DecryptionError("form")
        content_key = key.decrypt(_cipher_value(wrapped), _padding(wrapped))
        return parsed(_content(_method(data), content_key, _cipher_value(data), is_authentic=is_authentic))
    except (XmlError, InvalidTag, ValueError, binascii.Error):
        raise DecryptionError("an encrypted assertion can't be opened") from None


def _encrypted_key(element: Any, data: Any) -> Any | None:
    """Inside the data's KeyInfo or beside it; the first, where it was made for several."""
    found = data.findall("ds:KeyInfo/xenc:EncryptedKey", PREFIXES) + element.findall(
        "xenc:EncryptedKey", PREFIXES
    )
    return found[0] if found else None


def _padding(wrapped: Any) -> OAEP:
    method = only(wrapped, "xenc:EncryptionMethod")
    if method is None or method.get("Algorithm") not in _OAEP:
        raise DecryptionError("form")
    digest, mask = method.find("ds:DigestMethod", _PREFIXES), method.find("xenc11:MGF", _PREFIXES)
    hash_ = SHA1 if digest is None else _DIGESTS.get(digest.get("Algorithm"))
    mask_hash = SHA1 if mask is None else _MASKS.get(mask.get("Algorithm"))
    if hash_ is None or mask_hash is None:
        raise DecryptionError("form")
    return OAEP(MGF1(mask_hash()), hash_(), None)


def _method(data: Any) -> str:
    method = only(data, "xenc:EncryptionMethod")
    return "" if method is None else method.get("Algorithm", "")


def _content(method: str, key: bytes, value: bytes, *, is_authentic: bool) -> bytes:
    if _GCM.get(method) == len(key):
        return AESGCM(key).decrypt(value[:_NONCE_BYTES], value[_NONCE_BYTES:], None)
    if is_authentic and _CBC.get(method) == len(key) and len(value) >= 2 * _BLOCK_BYTES:
        opening = Cipher(AES(key), CBC(value[:_BLOCK_BYTES])).decryptor()
        padded = opening.update(value[_BLOCK_BYTES:]) + opening.finalize()
        if not 0 < padded[-1] <= _BLOCK_BYTES:
            raise DecryptionError("form")
        return padded[: -padded[-1]]
    raise DecryptionError("form")


def _cipher_value(element: Any) -> bytes:
    return base64.b64decode(text_of(only(element, "xenc:CipherData/xenc:CipherValue")))
