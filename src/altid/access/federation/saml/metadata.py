"""Metadata (SAML 2.0 Metadata): what a provider's file says of it, and what we say of ourselves."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_der_x509_certificate
from lxml import etree
from lxml.builder import ElementMaker

from altid.access.federation.provider import SamlProvider
from altid.access.federation.saml.xml import (
    METADATA,
    POST,
    PREFIXES,
    PROTOCOL,
    REDIRECT,
    SIGNATURE,
    XmlError,
    parsed,
    text_of,
)


class MetadataError(ValueError):
    """The file is no metadata of an identity provider. One line: what is missing."""


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """Of an identity provider, what we need."""

    entity_id: str
    sso_url: str
    certificates: tuple[Certificate, ...]


def read_metadata(content: bytes) -> IdpMetadata:
    """Raises `MetadataError`. Its signature isn't asked for: whoever put the file there vouches for it."""
    try:
        root = parsed(content)
    except XmlError as error:
        raise MetadataError(f"is no metadata ({error})") from None
    entities = (
        [root]
        if root.tag == f"{{{METADATA}}}EntityDescriptor"
        else root.findall("md:EntityDescriptor", PREFIXES)
    )
    found = [one for one in entities if one.find("md:IDPSSODescriptor", PREFIXES) is not None]
    if len(found) != 1:
        raise MetadataError(f"describes {len(found)} identity providers: it must be one")
    entity_id, descriptor = found[0].get("entityID", ""), found[0].find("md:IDPSSODescriptor", PREFIXES)
    if not entity_id:
        raise MetadataError("has no entityID")
    urls = [
        service.get("Location", "")
        for service in descriptor.findall("md:SingleSignOnService", PREFIXES)
        if service.get("Binding") == REDIRECT
    ]
    if not urls:
        raise MetadataError("has no SingleSignOnService with the redirect binding")
    return IdpMetadata(entity_id, urls[0], _certificates(descriptor))


def _certificates(descriptor: Any) -> tuple[Certificate, ...]:
    found = []
    for key in descriptor.findall("md:KeyDescriptor", PREFIXES):
        if key.get("use", "signing") != "signing":
            continue
        for element in key.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", PREFIXES):
            try:
                found.append(load_der_x509_certificate(base64.b64decode(text_of(element))))
            except ValueError:
                raise MetadataError("has a certificate that can't be read") from None
    if not found:
        raise MetadataError("has no certificate to check signatures with")
    return tuple(found)


def our_metadata(provider: SamlProvider, consumer_url: str) -> bytes:
    """What the provider's people need to know of us. `consumer_url` is where responses are posted to."""
    md = ElementMaker(namespace=METADATA, nsmap={"md": METADATA, "ds": SIGNATURE})
    ds = ElementMaker(namespace=SIGNATURE, nsmap={"ds": SIGNATURE})
    certificate = base64.b64encode(provider.certificate.public_bytes(Encoding.DER)).decode("ascii")

    def key(use: str, *methods: Any) -> Any:
        data = ds.X509Data(ds.X509Certificate(certificate))
        return md.KeyDescriptor(ds.KeyInfo(data), *methods, use=use)

    gcm = md.EncryptionMethod(Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm")
    oaep = md.EncryptionMethod(Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p")
    service = md.AssertionConsumerService(Binding=POST, Location=consumer_url, index="0", isDefault="true")
    descriptor = md.SPSSODescriptor(
        key("signing"),
        key("encryption", gcm, oaep),
        service,
        AuthnRequestsSigned="true",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=PROTOCOL,
    )
    root = md.EntityDescriptor(descriptor, entityID=provider.our_entity_id)
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return made
