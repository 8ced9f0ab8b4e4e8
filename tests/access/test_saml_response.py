"""What a SAML response proves, and every way in which it proves nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from lxml import etree

from altid.access.federation.provider import NSIS
from altid.access.federation.saml.response import CONTEXT, Assertion, Expected, ResponseError, read_response
from tests.access.desks import NOON
from tests.access.saml_provider import (
    CONSUMER,
    OURS,
    Telling,
    assertion_in,
    encrypted,
    pair,
    posted,
    saml_provider,
    sign,
    with_signed_assertion,
)

REQUEST = "_request1"
EVIL = "_evil"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def read(root: Any, now_s: float = NOON, **provider: Any) -> Assertion:
    return read_response(posted(root), saml_provider(**provider), Expected(REQUEST, CONSUMER), now_s)


def fault(root: Any, now_s: float = NOON, **provider: Any) -> str:
    with pytest.raises(ResponseError) as caught:
        read(root, now_s, **provider)
    return str(caught.value)


def telling(**others: Any) -> Telling:
    return Telling(REQUEST, **others)


def test_a_signed_assertion_says_whom_and_how() -> None:
    found = read(with_signed_assertion(telling(session_ends_s=3600)))
    assert (found.id, found.subject, found.expires_s) == ("_assertion1", "anne-1", NOON + 300)
    assert found.claims["groups"] == ("EPJ-Laege", "Printere")
    assert found.claims[NSIS] == ("Substantial",)
    assert found.claims[CONTEXT] == ("urn:oasis:names:tc:SAML:2.0:ac:classes:X509",)
    assert found.session_until_s == NOON + 3600


def test_a_signed_response_is_as_good_and_so_are_both() -> None:
    assert read(sign(telling().response())).subject == "anne-1"
    assert read(sign(with_signed_assertion(telling()))).subject == "anne-1"


def test_a_subject_that_changes_each_time_is_none() -> None:
    transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    assert read(with_signed_assertion(telling(format=transient))).subject == ""


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"audience": "https://other.example"}, "audience"),
        ({"recipient": "https://other.example/acs"}, "not confirmed for us"),
        ({"destination": "https://other.example/acs"}, "destination"),
        ({"answers_to": "_another"}, "not the answer to our request"),
        ({"answers_to": ""}, "not the answer to our request"),
        ({"confirms": "_another"}, "not confirmed for us"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, "not confirmed for us"),
        ({"issuer": "https://other.example"}, "issuer"),
        ({"ends_s": -31}, "expired"),
        ({"begins_s": 31}, "not yet"),
        ({"session_ends_s": 0}, "the provider's session has ended"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "the provider says Responder"),
        ({"status": "&lt;script&gt;"}, "the provider says no"),
    ],
    ids=str,
)
def test_what_is_signed_but_not_for_this_logon_opens_nothing(wrong: dict[str, Any], why: str) -> None:
    assert fault(with_signed_assertion(telling(**wrong))) == why


def test_somebody_whom_the_provider_remembers_is_not_enough_where_it_must_ask() -> None:
    root = posted(with_signed_assertion(telling()))  # Proved five seconds ago.
    asked = Expected(REQUEST, CONSUMER, NOON - 5)
    assert read_response(root, saml_provider(), asked, NOON).subject == "anne-1"
    with pytest.raises(ResponseError, match="remembered"):
        read_response(root, saml_provider(), Expected(REQUEST, CONSUMER, NOON - 4), NOON)


def test_what_nobody_or_somebody_else_signed_opens_nothing() -> None:
    assert fault(telling().response()) == "not signed"
    assert fault(with_signed_assertion(telling(), pair("stranger"))) == "not by the provider"
    assert fault(sign(telling().response(), pair("stranger"))) == "not by the provider"
    assert fault(sign(with_signed_assertion(telling(), pair("stranger")))) == "not by the provider"


def test_a_signature_by_sha_1_is_none() -> None:
    assert fault(sign(telling().response(), with_sha1=True)) == "not by the provider"


@pytest.mark.parametrize("path", ["NameID", "Audience", "AttributeValue", "Issuer"])
def test_nothing_can_be_changed_after_the_signature(path: str) -> None:
    root = with_signed_assertion(telling())
    changed = assertion_in(root).find(f".//{{*}}{path}")
    changed.text = OURS if path == "Audience" else "chief-1"
    if path == "Audience":
        changed.text += "/other"
    assert fault(root) in ("not by the provider", "issuer")


def evil(root: Any) -> Any:
    """A copy of the signed assertion that names somebody else, unsigned."""
    made = deepcopy(assertion_in(root))
    made.remove(made.find(_SIGNATURE))
    made.find(".//{*}NameID").text = "chief-1"
    made.set("ID", EVIL)
    return made


def wrapped_before(root: Any) -> Any:
    root.insert(0, evil(root))
    return root


def wrapped_after(root: Any) -> Any:
    root.append(evil(root))
    return root


def wrapped_around(root: Any) -> Any:
    """The evil one holds the good one, and its signature."""
    good, made = assertion_in(root), evil(root)
    signature = good.find(_SIGNATURE)
    good.remove(signature)
    root.replace(good, made)
    made.insert(1, signature)
    signature.append(good)
    return root


def wrapped_in_object(root: Any) -> Any:
    """The good one lies in an Object of the signature that the evil one carries."""
    good, made = assertion_in(root), evil(root)
    signature = deepcopy(good.find(_SIGNATURE))
    root.replace(good, made)
    made.insert(1, signature)
    held = etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
    held.append(good)
    return root


def wrapped_with_extensions(root: Any) -> Any:
    good, made = assertion_in(root), evil(root)
    root.replace(good, made)
    held = etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
    held.append(good)
    return root


def wrapped_with_the_same_id(root: Any) -> Any:
    made = evil(root)
    made.set("ID", "_assertion1")
    root.insert(0, made)
    return root


def wrapped_with_another_id_attribute(root: Any) -> Any:
    """The same ID under a name that some libraries look at first."""
    good, made = assertion_in(root), evil(root)
    signature = deepcopy(good.find(_SIGNATURE))
    made.insert(1, signature)
    made.set("ID", "_assertion1")
    good.attrib.pop("ID")
    good.set("Id", "_assertion1")
    root.replace(good, made)
    etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:protocol}Extensions").append(good)
    return root


def wrapped_response(root: Any) -> Any:
    """A signed response inside one that isn't."""
    signed = sign(telling().response())
    made = deepcopy(signed)
    signature = made.find(_SIGNATURE)
    made.remove(signature)
    made.set("ID", EVIL)
    assertion_in(made).find(".//{*}NameID").text = "chief-1"
    moved = deepcopy(signature)
    made.insert(1, moved)
    etree.SubElement(moved, "{http://www.w3.org/2000/09/xmldsig#}Object").append(signed)
    return made


@pytest.mark.parametrize(
    "wrap",
    [
        wrapped_before,
        wrapped_after,
        wrapped_around,
        wrapped_in_object,
        wrapped_with_extensions,
        wrapped_with_the_same_id,
        wrapped_with_another_id_attribute,
        wrapped_response,
    ],
)
def test_a_wrapped_signature_covers_nobody_else(wrap: Any) -> None:
    assert fault(wrap(with_signed_assertion(telling()))) in (
        "not exactly one assertion",
        "an ID stands twice",
        "covers something else",
    )


def test_a_signature_that_covers_less_than_the_element_is_none() -> None:
    """A reference to the subject alone."""
    root = telling().response()
    assertion = assertion_in(root)
    assertion.find("{*}Subject").set("ID", "_subject1")
    subject = sign(deepcopy(assertion.find("{*}Subject")))
    assertion.insert(1, subject.find(_SIGNATURE))
    assert fault(root) == "covers something else"


@pytest.mark.parametrize("name", ["ID", "Id", "id"])
def test_an_id_that_stands_twice_anywhere_could_be_either(name: str) -> None:
    root = with_signed_assertion(telling())
    root.find("{*}Status").set(name, "_assertion1")
    assert fault(root) == "an ID stands twice"


def test_two_signatures_are_one_too_many() -> None:
    root = with_signed_assertion(telling())
    assertion = assertion_in(root)
    assertion.insert(1, deepcopy(assertion.find(_SIGNATURE)))
    assert fault(root) == "signed twice"


def test_a_comment_can_not_cut_a_name_in_two() -> None:
    root = with_signed_assertion(telling(subject="anne-1.evil.example"))
    content = etree.tostring(root).replace(b"anne-1.evil", b"anne-1<!---->.evil")
    assert fault(content) == "comment, entity or processing instruction"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', "document type declaration"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>', "document type declaration"),
        (
            b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;</a>',
            "document type declaration",
        ),
        (b"<?evil?><a/>", "comment or processing instruction"),
        (b"<a/><!-- x -->", "comment or processing instruction"),
        (b"<a>" + b"<b/>" * 10_001 + b"</a>", "too many elements"),
        (b"<a" * 100_000, "not well formed"),
        (b"", "not well formed"),
        (b"\xff\xfe", "not well formed"),
        (b"<Response/>", "no response"),
    ],
    ids=["entity", "dtd", "laughs", "pi", "comment", "many", "deep", "empty", "binary", "other"],
)
def test_dangerous_xml_is_refused_before_it_does_anything(content: bytes, why: str) -> None:
    assert fault(content) == why


@pytest.mark.parametrize("text", ["", "!", "æ", "A" * 500_000, "PGE+"])
def test_what_is_no_base64_of_a_response_is_refused(text: str) -> None:
    with pytest.raises(ResponseError):
        read_response(text, saml_provider(), Expected(REQUEST, CONSUMER), NOON)


def test_an_encrypted_assertion_is_opened_and_its_signature_checked() -> None:
    assert read(encrypted(with_signed_assertion(telling()))).subject == "anne-1"
    assert fault(encrypted(telling().response())) == "not signed"
    assert fault(encrypted(with_signed_assertion(telling(), pair("stranger")))) == "not by the provider"


def test_what_is_encrypted_by_cbc_is_opened_only_inside_a_signed_response() -> None:
    assert read(sign(encrypted(telling().response(), method="cbc"))).subject == "anne-1"
    unsigned = encrypted(with_signed_assertion(telling()), method="cbc")
    assert fault(unsigned) == "an encrypted assertion can't be opened"


def test_what_is_encrypted_for_somebody_else_says_nothing() -> None:
    for_other = encrypted(with_signed_assertion(telling()), to=pair("stranger"))
    assert fault(for_other) == "an encrypted assertion can't be opened"


def test_where_it_must_be_encrypted_nothing_else_will_do() -> None:
    assert fault(with_signed_assertion(telling()), must_encrypt=True) == "not encrypted"
    assert read(encrypted(with_signed_assertion(telling())), must_encrypt=True).subject == "anne-1"


def test_a_fault_tells_nothing_of_the_person() -> None:
    for root in (telling().response(), with_signed_assertion(telling(audience="https://other.example"))):
        assert "anne" not in fault(root)
