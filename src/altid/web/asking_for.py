"""What an application asks for, said in words."""

from __future__ import annotations

from altid.screen.words.speaker import Words
from altid.web.wishes import Asking


def right(words: Words, asking: Asking) -> str:
    """`Læse og søge i målinger, kun for den ene patient`."""
    verbs = words.listed(words.text(f"application.letter.{letter}") for letter in asking.letters)
    what = f"{verbs} {words.code('scope-type', asking.resource)}"
    whose = "application.of-one" if asking.is_of_one else "application.of-all"
    return words.text(whose, what=what[0].upper() + what[1:])
