"""Words: what a text consists of, and how far one spelling is from another."""

import re
from collections.abc import Iterable, Sequence

from catalog.sorting import fold

_WORD = re.compile(r"[^\W_]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words_of(text: str) -> list[str]:
    """The words, without case and accents, each once, in their order."""
    return list(dict.fromkeys(_WORD.findall(fold(text))))


def near_spellings(word: str) -> set[str]:
    """What differs from the word by one letter: wrong, missing, too many, or two swapped."""
    splits = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    without = {left + right[1:] for left, right in splits if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    wrong = {left + letter + right[1:] for left, right in splits if right for letter in _LETTERS}
    missing = {left + letter + right for left, right in splits for letter in _LETTERS}
    return (without | swapped | wrong | missing) - {word}


def distance(one: str, other: str) -> int:
    """How many letters are wrong, missing or too many, two swapped ones counting as one mistake.

    The optimal string alignment distance, in a time of the product of the lengths.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        last, row_before, row = row, before, [i]
        for j, other_letter in enumerate(other, start=1):
            cost = min(row[-1] + 1, last[j] + 1, last[j - 1] + (letter != other_letter))
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                cost = min(cost, row_before[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


def tsquery(groups: Iterable[Sequence[str]], *, between: str) -> str:
    """PostgreSQL's text of a query for any word of each group; `between` groups is `&` or `|`."""
    return f" {between} ".join(f"({' | '.join(map(_quoted, group))})" for group in groups)


def prefix_tsquery(key: str) -> str:
    """PostgreSQL's text of a query for every word of a sort key, the last one as a beginning."""
    words = words_of(key)
    return " & ".join(map(_quoted, words)) + ":*" if words else ""


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
