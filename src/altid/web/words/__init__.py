"""How the pages speak: Danish and English words, numbers, times."""

from altid.web.words.speaker import LANGUAGES, Language, Words, words

__all__ = ["LANGUAGES", "Language", "Words", "words"]
