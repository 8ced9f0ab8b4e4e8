"""A SAML provider of our own: its metadata, and responses that can be made wrong in every way."""

from __future__ import annotations

import base64
import datetime
import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import methods
from signxml.algorithms import CanonicalizationMethod
from signxml.signer import XMLSigner

from altid.access.federation.provider import NSIS, Reading, SamlProvider
from altid.access.identity import Role
from tests.access.desks import NOON, WARD

IDP = "https://idp.nordby.example/metadata"
OURS = "https://altid.nordby.example/saml"
SSO = "https://idp.nordby.example/sso"
CONSUMER = "http://localhost:8080/logon/saml/region"
READING = Reading(
    username="uid",
    name="cn",
    roles="groups",
    organisations="sor",
    level=NSIS,
    role_of={"EPJ-Laege": Role.DOCTOR},
)
_EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0


@dataclass(frozen=True)
class Pair:
    """A key and a certificate that holds it."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


@cache
def pair(name: str) -> Pair:
    """One for each name, made once: RSA keys take a while."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=365))
        .sign(key, SHA256())
    )
    return Pair(key, certificate)


def saml_provider(**others: Any) -> SamlProvider:
    """Its certificate has run out long ago, which must not matter."""
    values: dict[str, Any] = {
        "name": "region",
        "title_da": "Regionens login",
        "title_en": "The region's logon",
        "reading": READING,
        "entity_id": IDP,
        "sso_url": SSO,
        "certificates": (pair("next").certificate, pair("idp").certificate),
        "our_entity_id": OURS,
        "key": pair("ours").key,
        "certificate": pair("ours").certificate,
        "probe_url": "http://127.0.0.1:1/",
    }
    return SamlProvider(**(values | others))


def at(offset_s: float) -> str:
    moment = datetime.datetime.fromtimestamp(NOON + offset_s, datetime.UTC)
    return moment.isoformat().replace("+00:00", "Z")


@dataclass
class Telling:
    """What a response says. The defaults are right."""

    request_id: str
    issuer: str = IDP
    audience: str = OURS
    recipient: str = CONSUMER
    destination: str = CONSUMER
    status: str = "urn:oasis:names:tc:SAML:2.0:status:Success"
    subject: str = "anne-1"
    format: str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    method: str = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    begins_s: float = -60
    ends_s: float = 300
    session_ends_s: float | None = None
    answers_to: str | None = None
    confirms: str | None = None
    id: str = "_assertion1"
    attributes: dict[str, list[str]] = field(
        default_factory=lambda: {
            "uid": ["anne"],
            "cn": ["Anne Holm"],
            "groups": ["EPJ-Laege", "Printere"],
            "sor": [WARD],
            NSIS: ["Substantial"],
        }
    )

    def response(self) -> Any:
        """Unsigned."""
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        until = f' SessionNotOnOrAfter="{at(self.session_ends_s)}"' if self.session_ends_s is not None else ""
        answers = self.request_id if self.answers_to is None else self.answers_to
        confirms = self.request_id if self.confirms is None else self.confirms
        return etree.fromstring(
            f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
    xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response1" Version="2.0"
    IssueInstant="{at(0)}" Destination="{self.destination}" InResponseTo="{answers}">
  <saml:Issuer>{self.issuer}</saml:Issuer>
  <samlp:Status><samlp:StatusCode Value="{self.status}"/></samlp:Status>
  <saml:Assertion ID="{self.id}" Version="2.0" IssueInstant="{at(0)}">
    <saml:Issuer>{self.issuer}</saml:Issuer>
    <saml:Subject>
      <saml:NameID Format="{self.format}">{self.subject}</saml:NameID>
      <saml:SubjectConfirmation Method="{self.method}">
        <saml:SubjectConfirmationData Recipient="{self.recipient}" InResponseTo="{confirms}"
            NotOnOrAfter="{at(self.ends_s)}"/>
      </saml:SubjectConfirmation>
    </saml:Subject>
    <saml:Conditions NotBefore="{at(self.begins_s)}" NotOnOrAfter="{at(self.ends_s)}">
      <saml:AudienceRestriction><saml:Audience>{self.audience}</saml:Audience></saml:AudienceRestriction>
    </saml:Conditions>
    <saml:AuthnStatement AuthnInstant="{at(-5)}"{until}>
      <saml:AuthnContext>
        <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:X509</saml:AuthnContextClassRef>
      </saml:AuthnContext>
    </saml:AuthnStatement>
    <saml:AttributeStatement>{attributes}</saml:AttributeStatement>
  </saml:Assertion>
</samlp:Response>"""
        )


def assertion_in(root: Any) -> Any:
    return root.find("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")


def sign(element: Any, by: Pair | None = None, *, with_sha1: bool = False) -> Any:
    """The element, signed as SAML providers do: enveloped, behind the issuer."""
    by = by or pair("idp")
    algorithms = {"signature_algorithm": "rsa-sha256", "digest_algorithm": "sha256"}
    signer = XMLSigner(methods.enveloped, c14n_algorithm=_EXCLUSIVE, **algorithms)  # type: ignore[arg-type]
    if with_sha1:
        signer = _Sha1Signer(
            methods.enveloped,
            signature_algorithm="rsa-sha1",
            digest_algorithm="sha1",
            c14n_algorithm=_EXCLUSIVE,
        )  # type: ignore[arg-type]
    signed = signer.sign(element, key=by.key, cert=[by.certificate], reference_uri=f"#{element.get('ID')}")
    signature = signed.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    signed.remove(signature)
    signed.insert(1, signature)
    return signed


class _Sha1Signer(XMLSigner):
    def check_deprecated_methods(self) -> None:
        """A provider that still signs so."""


def with_signed_assertion(telling: Telling, by: Pair | None = None) -> Any:
    root = telling.response()
    assertion = assertion_in(root)
    root.replace(assertion, sign(assertion, by))
    return root


def posted(root: Any) -> str:
    content = root if isinstance(root, bytes) else etree.tostring(root)
    return base64.b64encode(content).decode()


def encrypted(root: Any, *, method: str = "gcm", to: Pair | None = None) -> Any:
    """The response with its assertion encrypted for us."""
    assertion = assertion_in(root)
    content = etree.tostring(assertion, with_tail=False)
    key = os.urandom(32)
    if method == "gcm":
        nonce, algorithm = os.urandom(12), "http://www.w3.org/2009/xmlenc11#aes256-gcm"
        value = nonce + AESGCM(key).encrypt(nonce, content, None)
    else:
        nonce, algorithm = os.urandom(16), "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
        length = 16 - len(content) % 16
        padded = content + bytes(length - 1) + bytes([length])
        sealing = Cipher(AES(key), CBC(nonce)).encryptor()
        value = nonce + sealing.update(padded) + sealing.finalize()
    public = (to or pair("ours")).key.public_key()
    wrapped = public.encrypt(key, OAEP(MGF1(SHA1()), SHA1(), None))
    element = etree.fromstring(
        f"""<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
    xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
  <xenc:EncryptedData Type="http://www.w3.org/2001/04/xmlenc#Element">
    <xenc:EncryptionMethod Algorithm="{algorithm}"/>
    <ds:KeyInfo><xenc:EncryptedKey>
      <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>
      <xenc:CipherData><xenc:CipherValue>{base64.b64encode(wrapped).decode()}</xenc:CipherValue></xenc:CipherData>
    </xenc:EncryptedKey></ds:KeyInfo>
    <xenc:CipherData><xenc:CipherValue>{base64.b64encode(value).decode()}</xenc:CipherValue></xenc:CipherData>
  </xenc:EncryptedData>
</saml:EncryptedAssertion>"""
    )
    root.replace(assertion, element)
    return root


def idp_metadata() -> str:
    certificate = base64.b64encode(pair("idp").certificate.public_bytes(Encoding.DER)).decode()
    return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
    xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{IDP}">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
      <ds:X509Certificate>{certificate}</ds:X509Certificate>
    </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{SSO}/post"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO}"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"""
