"""How the pages speak: Danish and English words, numbers, times."""

from altid.screen.words.speaker import LANGUAGES, Language, Words, words

LANGUAGE_NAMES = {"da": "Dansk", "en": "English"}
"""Each in its own language, as one who reads no other would look for it."""

__all__ = ["LANGUAGES", "LANGUAGE_NAMES", "Language", "Words", "words"]
