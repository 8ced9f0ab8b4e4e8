"""A response that was posted to us: is it the provider's answer to our very question, and whom does it name?

SAML 2.0 Profiles §4.1.4.3, checked in this order: the document, the outer message, the signature, the
assertion as it was signed. Answers that nobody has asked for (IdP-initiated) are refused.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from altid.access.federation.claims import Claims, texts
from altid.access.federation.limits import ANSWER_BYTES_MAX
from altid.access.federation.provider import SamlProvider
from altid.access.federation.saml.decrypting import DecryptionError, decrypted
from altid.access.federation.saml.signature import SignatureError, has_signature, signed
from altid.access.federation.saml.xml import (
    ASSERTION,
    PREFIXES,
    PROTOCOL,
    XmlError,
    only,
    parsed,
    tag,
    text_of,
)
from altid.access.settings import LEEWAY_S

CONTEXT = "acr"
"""By this name the class of the authentication stands among the claims."""

_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_ID_CHARACTERS_MAX = 256
_FAULT_CHARACTERS_MAX = 80


class ResponseError(Exception):
    """The response proves nothing. Its text is for logs and holds nothing of the response."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What we asked, and where the answer must come to."""

    request_id: str
    consumer_url: str
    proved_since_s: float | None = None
    """Somebody must have proved who they are after that."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What is proved. `id` is good once, until `expires_s`."""

    id: str
    expires_s: float
    subject: str = field(repr=False)
    """The NameID; empty where it changes each time (transient)."""
    claims: Claims = field(repr=False)
    session_until_s: float | None = None
    """The provider lets nobody in for longer."""


def read_response(posted: str, provider: SamlProvider, expected: Expected, now_s: float) -> Assertion:
    """`posted` is the form's SAMLResponse. Raises `ResponseError`."""
    try:
        root = parsed(_decoded(posted))
        _check_document(root, provider, expected)
        return _assertion(_proved(root, provider), provider, expected, now_s)
    except (XmlError, SignatureError, DecryptionError) as error:
        raise ResponseError(str(error)) from None


def _decoded(posted: str) -> bytes:
    if len(posted) > ANSWER_BYTES_MAX * 3 // 2 or not posted.isascii():
        raise ResponseError("form")
    try:
        return base64.b64decode("".join(posted.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ResponseError("form") from None


def _check_document(root: Any, provider: SamlProvider, expected: Expected) -> None:
    """The outer message. Nothing of it is believed yet, but what is wrong here is wrong for certain."""
    if root.tag != tag(PROTOCOL, "Response") or root.get("Version") != "2.0":
        raise ResponseError("no response")
    ids = Counter(value for node in root.iter() for name, value in node.items() if name.lower() == "id")
    if any(count > 1 for count in ids.values()):
        raise ResponseError("an ID stands twice")
    assertions = [
        node for name in ("Assertion", "EncryptedAssertion") for node in root.iter(tag(ASSERTION, name))
    ]
    _check_status(root)
    if len(assertions) != 1 or assertions[0].getparent() is not root:
        raise ResponseError("not exactly one assertion")
    if root.get("Destination") != expected.consumer_url:
        raise ResponseError("destination")
    if root.get("InResponseTo") != expected.request_id:
        raise ResponseError("not the answer to our request")
    issuer = only(root, "saml:Issuer")
    if issuer is not None and text_of(issuer) != provider.entity_id:
        raise ResponseError("issuer")


def _check_status(root: Any) -> None:
    status = only(root, "samlp:Status/samlp:StatusCode")
    if status is None:
        raise ResponseError("no status")
    if status.get("Value") != _SUCCESS:
        inner = only(status, "samlp:StatusCode")
        code = (status if inner is None else inner).get("Value", "")
        raise ResponseError(f"the provider says {_short(code)}")


def _short(code: str) -> str:
    """The last part of a status code, if it is a plain word."""
    word = code.rpartition(":")[2][:_FAULT_CHARACTERS_MAX]
    return word if word.isascii() and word.isalnum() else "no"


def _proved(root: Any, provider: SamlProvider) -> Any:
    """The assertion, out of what was signed: the response, the assertion, or both."""
    is_whole = has_signature(root)
    if is_whole:
        root = signed(root, provider.certificates).element
    sealed, plain = only(root, "saml:EncryptedAssertion"), only(root, "saml:Assertion")
    if sealed is not None:
        plain = decrypted(sealed, provider.key, is_authentic=is_whole)
    elif provider.must_encrypt:
        raise ResponseError("not encrypted")
    if plain is None or plain.tag != tag(ASSERTION, "Assertion"):
        raise ResponseError("no assertion")
    if not is_whole or has_signature(plain):
        plain = signed(plain, provider.certificates).element
    return plain


def _assertion(assertion: Any, provider: SamlProvider, expected: Expected, now_s: float) -> Assertion:
    id_ = assertion.get("ID", "")
    if assertion.get("Version") != "2.0" or not 0 < len(id_) <= _ID_CHARACTERS_MAX:
        raise ResponseError("version")
    if text_of(only(assertion, "saml:Issuer")) != provider.entity_id:
        raise ResponseError("issuer")
    expires_s = _confirmed_until(assertion, expected, now_s)
    _check_conditions(assertion, provider, now_s)
    statement = assertion.find("saml:AuthnStatement", PREFIXES)
    if statement is None:
        raise ResponseError("nobody has logged on")
    since_s = expected.proved_since_s
    if since_s is not None and _moment(statement.get("AuthnInstant", "")) < since_s:
        raise ResponseError("remembered")
    until = statement.get("SessionNotOnOrAfter")
    until_s = None if until is None else _moment(until)
    if until_s is not None and until_s <= now_s:
        raise ResponseError("the provider's session has ended")
    return Assertion(id_, expires_s, _subject(assertion), _claims(assertion, statement), until_s)


def _confirmed_until(assertion: Any, expected: Expected, now_s: float) -> float:
    """When the bearer's confirmation that was made for us ends."""
    for confirmation in assertion.findall("saml:Subject/saml:SubjectConfirmation", PREFIXES):
        data = only(confirmation, "saml:SubjectConfirmationData")
        if confirmation.get("Method") != _BEARER or data is None or data.get("NotBefore") is not None:
            continue
        if data.get("Recipient") != expected.consumer_url or data.get("InResponseTo") != expected.request_id:
            continue
        ends_s = _moment(data.get("NotOnOrAfter", ""))
        if ends_s + LEEWAY_S > now_s:
            return ends_s
        raise ResponseError("expired")
    raise ResponseError("not confirmed for us")


def _check_conditions(assertion: Any, provider: SamlProvider, now_s: float) -> None:
    conditions = only(assertion, "saml:Conditions")
    if conditions is None:
        raise ResponseError("no conditions")
    begins, ends = conditions.get("NotBefore"), conditions.get("NotOnOrAfter")
    if begins is not None and _moment(begins) - LEEWAY_S > now_s:
        raise ResponseError("not yet")
    if ends is not None and _moment(ends) + LEEWAY_S <= now_s:
        raise ResponseError("expired")
    audiences = conditions.findall("saml:AudienceRestriction", PREFIXES)
    if not audiences:
        raise ResponseError("no audience")
    for restriction in audiences:
        if provider.our_entity_id not in map(text_of, restriction.findall("saml:Audience", PREFIXES)):
            raise ResponseError("audience")


def _subject(assertion: Any) -> str:
    name = only(assertion, "saml:Subject/saml:NameID")
    return "" if name is None or name.get("Format") == _TRANSIENT else text_of(name)


def _claims(assertion: Any, statement: Any) -> Claims:
    found: dict[str, tuple[str, ...]] = {}
    for attribute in assertion.findall("saml:AttributeStatement/saml:Attribute", PREFIXES):
        values = [text_of(value) for value in attribute.findall("saml:AttributeValue", PREFIXES)]
        name = attribute.get("Name", "")
        found[name] = found.get(name, ()) + texts(values)
    found[CONTEXT] = texts(text_of(only(statement, "saml:AuthnContext/saml:AuthnContextClassRef")))
    return found


def _moment(text: str) -> float:
    """Epoch seconds of an xs:dateTime in UTC (SAML 2.0 Core §1.3.3)."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ResponseError("a moment") from None
