"""Why a file is not taken in at all, and what may be wrong with a row of it."""

from typing import NamedTuple


class FileRefused(Exception):
    """Nothing of the file was taken in. The text says why, where, and the mend, in one line."""


class Fault(NamedTuple):
    """One thing wrong with a row: in which field ("" for the row itself), what, and the mend."""

    field: str
    code: str
    value: str
    detail: str
