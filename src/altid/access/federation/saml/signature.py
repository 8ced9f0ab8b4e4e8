"""What a provider has signed, and nothing else.

A signature is looked for in one place only: as a child of the element that it must cover. What is given back
is that element, read anew from the very bytes that were signed, so nothing that stands elsewhere in the
document can be taken for it (signature wrapping).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import Certificate
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from altid.access.federation.saml.xml import PREFIXES, SIGNATURE, XmlError, parsed, tag

_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_TRANSFORMS = frozenset(
    {
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    }
)
"""SAML 2.0 Core §5.4.4: no other is needed, and XSLT or XPath could be made to sign anything."""

logging.getLogger("signxml").setLevel(logging.WARNING)
"""At lower levels it writes down what was signed: people's names."""


class SignatureError(ValueError):
    """Not signed, or not by the provider. Its text holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Signed:
    """An element as it was signed."""

    element: Any


def has_signature(element: Any) -> bool:
    return element.find("ds:Signature", PREFIXES) is not None


def signed(element: Any, certificates: Sequence[Certificate]) -> Signed:
    """The element, proved to be signed as a whole by one of the certificates. Raises `SignatureError`."""
    _check_form(element)
    content = etree.tostring(element, with_tail=False)
    for certificate in certificates:
        found = _verified(content, certificate)
        if found is not None:
            if found.tag != element.tag or found.get("ID") != element.get("ID"):
                raise SignatureError("covers something else")
            return Signed(found)
    raise SignatureError("not by the provider")


def _check_form(element: Any) -> None:
    """One signature as a child, with one reference, to this element, by the transforms of SAML."""
    signatures = element.findall("ds:Signature", PREFIXES)
    if len(signatures) != 1:
        raise SignatureError("not signed" if not signatures else "signed twice")
    references = signatures[0].findall("ds:SignedInfo/ds:Reference", PREFIXES)
    own = element.get("ID", "")
    if len(references) != 1 or not own or references[0].get("URI") != f"#{own}":
        raise SignatureError("covers something else")
    transforms = references[0].findall("ds:Transforms/ds:Transform", PREFIXES)
    if {one.get("Algorithm") for one in transforms} != _TRANSFORMS or len(transforms) != len(_TRANSFORMS):
        raise SignatureError("transforms")
    if signatures[0].find(f".//{tag(SIGNATURE, 'Object')}") is not None:
        raise SignatureError("carries an object")


def _verified(content: bytes, certificate: Certificate) -> Any | None:
    """What was signed with the certificate's key.

    The certificate holds the key that the metadata vouches for, and no more: its dates aren't asked (SAML
    metadata interoperability profile §2.6.1), else a whole region is out at midnight.
    """
    expected = SignatureConfiguration(
        location="./",
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        ignore_ambiguous_key_info=True,
        verification_time=certificate.not_valid_before_utc,
    )
    try:
        result = XMLVerifier().verify(
            content, x509_cert=certificate, expect_config=expected, id_attribute="ID"
        )
    except (SignXMLException, etree.LxmlError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None
    assert not isinstance(result, list)
    try:
        return parsed(result.signed_data)
    except XmlError:
        return None
