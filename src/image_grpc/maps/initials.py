"""Initials of names in any script."""

import re
import unicodedata

_WORDS = 2
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_JOINED = re.compile("\u200d.")
_TONES = range(0x1F3FB, 0x1F400)
_SUPPRESSES_VOWEL = 9
"""Canonical combining class of the marks that join consonants, which alone mean nothing."""


def initials(name: str) -> str:
    """Return the first letters of the first two words of a name, in capitals, with their accents."""
    words = (word.lstrip("\u200d\ufe0f") for word in name.split())
    return "".join(_first(word) for word in [word for word in words if word][:_WORDS]).upper()


def _first(word: str) -> str:
    """Return the first letter or emoji of a word, with everything that belongs to it."""
    if flag := _FLAG.match(word):
        return flag.group()
    end = 1
    while end < len(word):
        if joined := _JOINED.match(word, end):
            end = joined.end()
        elif _belongs(word[end]):
            end += 1
        else:
            break
    return word[:end]


def _belongs(character: str) -> bool:
    """Whether a character is drawn together with the one before it."""
    is_mark = unicodedata.category(character) in ("Mn", "Mc", "Me")
    is_joining = unicodedata.combining(character) == _SUPPRESSES_VOWEL
    return (is_mark and not is_joining) or ord(character) in _TONES
