"""Which language a browser wants: a cookie says so, Danish where nobody has said."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from altid.screen.words import LANGUAGES, Language, Words, words

_COOKIE = "lang"
_COOKIE_AGE_S_MAX = 365 * 24 * 3600


def words_for(request: Request) -> Words:
    return words(language_named(request.cookies.get(_COOKIE)) or LANGUAGES[0])


def language_named(name: str | None) -> Language | None:
    return next((language for language in LANGUAGES if language == name), None)


def keep_language(answer: Response, wanted: Language, *, secure: bool) -> None:
    answer.set_cookie(
        _COOKIE, wanted, max_age=_COOKIE_AGE_S_MAX, httponly=True, samesite="lax", secure=secure
    )
