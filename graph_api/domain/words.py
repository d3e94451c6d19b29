"""Words of names and labels, as search compares them: whole words, whatever their letter case."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

#: A text is found by its first distinct words, each by its first signs.
MAX_WORDS: Final = 16
MAX_LENGTH: Final = 40

_WORD: Final = re.compile(r"[^\W_]+")


@lru_cache(maxsize=10_000)
def words(text: str) -> tuple[str, ...]:
    """The distinct words of ``text`` in their order: compatibility forms and case folded."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    found = dict.fromkeys(word[:MAX_LENGTH] for word in _WORD.findall(folded))
    return tuple(found)[:MAX_WORDS]


def phrase(found: tuple[str, ...]) -> str:
    """Words in one text that can be searched for whole words, and for beginnings of words."""
    return f" {' '.join(found)} "
