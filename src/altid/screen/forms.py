"""Forms as browsers send them: bounded, from our own pages only, and with the session's own mark.

A form that changes something is taken only if the browser says that it comes from a page of ours
(`Sec-Fetch-Site`, or `Origin` where a browser has none or the line is not encrypted), and if it holds a token
that only a page of the same session can have shown.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request

TOKEN_FIELD = "form_token"  # noqa: S105 (a field's name)
FORM_BYTES_MAX = 32_768
"""A passkey's answer is the longest, with 16 kB."""
FIELDS_MAX = 64
"""An application may ask for fifty rights, each of which can be given or not."""
_FROM_HERE = ("same-origin", "none")
"""`none`: somebody did it in the browser itself, as by loading a page again."""

Form = Mapping[str, str]


class FormError(ValueError):
    """The form is too long or no form. The message does not quote it."""


class StrangeFormError(ValueError):
    """The form comes from another site, or from a page of another session."""


async def read_form(request: Request, bytes_max: int = FORM_BYTES_MAX) -> Form:
    """The fields of the body, each with its first value. Raises `FormError`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise FormError(f"This form has at most {bytes_max} bytes.")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise FormError(f"A form has at most {FIELDS_MAX} fields.") from None
    return {name: values[0] for name, values in fields.items()}


def check_from_here(request: Request, public_url: str) -> None:
    """Raises `StrangeFormError` unless the browser says that the request comes from a page of ours."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_ours = site in _FROM_HERE
    else:
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        is_ours = request.headers.get("origin") in (own, public_url)
    if not is_ours:
        raise StrangeFormError


def check_token(form: Form, expected: str) -> None:
    """Raises `StrangeFormError` unless the form holds the session's token."""
    given = form.get(TOKEN_FIELD, "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode()):
        raise StrangeFormError
