"""Our request for authentication, signed, as an address to go to (SAML 2.0 Bindings §3.4)."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree
from lxml.builder import ElementMaker

from altid.access.federation.provider import SamlProvider
from altid.access.federation.saml.xml import ASSERTION, POST, PROTOCOL

SIGNED_BY = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


def request_url(
    provider: SamlProvider,
    *,
    request_id: str,
    relay_state: str,
    consumer_url: str,
    now_s: float,
    must_ask: bool = False,
) -> str:
    """Where the browser goes. `request_id` comes back as InResponseTo, `relay_state` as it is.

    `must_ask`: also if the provider remembers somebody.
    """
    compressor = zlib.compressobj(wbits=-15)
    xml = _request(provider, request_id, consumer_url, now_s, must_ask=must_ask)
    deflated = compressor.compress(xml) + compressor.flush()
    signed = "&".join(
        f"{name}={quote(value, safe='')}"
        for name, value in (
            ("SAMLRequest", base64.b64encode(deflated).decode("ascii")),
            ("RelayState", relay_state),
            ("SigAlg", SIGNED_BY),
        )
    )
    signature = provider.key.sign(signed.encode("ascii"), PKCS1v15(), SHA256())
    joint = "&" if "?" in provider.sso_url else "?"
    return f"{provider.sso_url}{joint}{signed}&Signature={quote(base64.b64encode(signature), safe='')}"


def _request(
    provider: SamlProvider, request_id: str, consumer_url: str, now_s: float, *, must_ask: bool
) -> bytes:
    samlp = ElementMaker(namespace=PROTOCOL, nsmap={"samlp": PROTOCOL, "saml": ASSERTION})
    saml = ElementMaker(namespace=ASSERTION, nsmap={"saml": ASSERTION})
    root = samlp.AuthnRequest(
        saml.Issuer(provider.our_entity_id),
        ID=request_id,
        Version="2.0",
        IssueInstant=datetime.fromtimestamp(int(now_s), UTC).isoformat().replace("+00:00", "Z"),
        Destination=provider.sso_url,
        AssertionConsumerServiceURL=consumer_url,
        ProtocolBinding=POST,
    )
    if must_ask:
        root.set("ForceAuthn", "true")
    if provider.contexts:
        classes = [saml.AuthnContextClassRef(context) for context in provider.contexts]
        root.append(samlp.RequestedAuthnContext(*classes, Comparison="minimum"))
    made: bytes = etree.tostring(root)
    return made
