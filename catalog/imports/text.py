"""From bytes to lines: encodings, and files that are no text."""

import codecs
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, NamedTuple

from catalog.imports.refusals import FileRefused

MAX_LINE = 1_000_000
"""Characters. Ten times the longest description; a line beyond it is no catalogue's."""

_CHUNK = 1 << 20
_SIGNATURES = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: save the sheet as CSV (UTF-8) instead",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV (UTF-8) instead",
    b"\x1f\x8b": "compressed (gzip): unpack it first",
    b"%PDF": "a PDF: export the list as CSV instead",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, which it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Of names and of source code: they fail in ways of their own, or make lone surrogates.
_OF_NO_FILES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}


def encoding_of(path: Path, named: str | None = None) -> str:
    """The encoding that the whole file can be read in.

    The one `named`; else what its byte order mark says; else UTF-8, and cp1252 where nothing in it
    is UTF-8: one wrong byte in a UTF-8 file must not turn every accent into two letters.

    Reads the file once, a chunk at a time. Raises FileRefused: an empty or binary file, an unknown
    encoding, or bytes that it does not have.
    """
    with path.open("rb") as file:
        head = file.read(64)
        _refuse_binary(head)
        marked = next((name for mark, name in _BOMS.items() if head.startswith(mark)), None)
        tried = [_known(named)] if named else [marked] if marked else ["utf-8", "cp1252"]
        for encoding in tried:
            file.seek(0)
            trouble = _first_trouble(file, encoding)
            if trouble is None:
                return encoding
            if trouble.after_letters or encoding == tried[-1]:
                mend = (
                    "Name the encoding that it was saved in with --encoding, or save it as UTF-8."
                )
                raise FileRefused(
                    f"Line {trouble.line}: there are bytes that are not {encoding}. {mend}"
                )
    raise AssertionError("the last encoding is the file's or refused")


def lines_of(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines with their ends. Raises FileRefused for a line without end."""
    text = TextIOWrapper(file, encoding=encoding, newline="")
    number = 0
    while line := text.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise FileRefused(
                f"Line {number} has more than {MAX_LINE:,} characters: the file has no line ends, "
                "or is no CSV."
            )
        yield line


def _refuse_binary(head: bytes) -> None:
    if not head:
        raise FileRefused("The file is empty.")
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            raise FileRefused(f"The file is {kind}.")


def _known(name: str) -> str:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        raise FileRefused(f"There is no encoding {name[:50]!r}. Try utf-8 or cp1252.") from None
    if not found._is_text_encoding or found.name in _OF_NO_FILES:
        raise FileRefused(f"{name} is no encoding of text. Try utf-8 or cp1252.")
    return "utf-8-sig" if found.name == "utf-8" else name


class _Trouble(NamedTuple):
    """The line that does not read, and whether letters beyond ASCII did before it."""

    line: int
    after_letters: bool


def _first_trouble(file: BinaryIO, encoding: str) -> _Trouble | None:
    """Where the file does not read in this encoding. Raises FileRefused for a NUL."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, plain = 1, True
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:  # not always UnicodeDecodeError: UTF-16 without its mark
            held, _ = decoder.getstate()
            start = getattr(error, "start", 0) - len(held)
            before = decoder.decode(chunk[: max(start, 0)])
            return _Trouble(line + _line_ends(before), not (plain and before.isascii()))
        if "\0" in text:
            at = line + _line_ends(text[: text.index("\0")])
            raise FileRefused(
                f"Line {at} holds a NUL character: the file is binary, or UTF-16 without its mark "
                "(then name it: --encoding utf-16-le)."
            )
        if not chunk:
            return None
        line += _line_ends(text)
        plain = plain and text.isascii()


def _line_ends(text: str) -> int:
    return text.count("\n") or text.count("\r")
