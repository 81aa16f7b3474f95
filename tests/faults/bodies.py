"""Bodies that are no JSON, and JSON that holds what no field should."""

import gzip
from collections.abc import Iterator, Mapping, Sequence

from tests.faults.attacks import JSON, Attack, Write

MIB = 1024 * 1024

BROKEN: Mapping[str, bytes] = {
    "NUL": rb'{"name": "a\u0000b"}',
    "raw NUL": b'{"name": "a\0b"}',
    "NUL in a key": rb'{"na\u0000me": "a"}',
    "only NULs": b"\0" * 100,
    "lone high surrogate": rb'{"name": "\ud800"}',
    "lone low surrogate": rb'{"name": "\udfff"}',
    "surrogates swapped": rb'{"name": "\udc00\ud800"}',
    "WTF-8": b'{"name": "\xed\xa0\x80"}',
    "NaN": b'{"price": NaN}',
    "Infinity": b'{"price": Infinity}',
    "-Infinity": b'{"price": -Infinity}',
    "1e999": b'{"price": 1e999}',
    "1E400": b'{"price": 1E400}',
    "1e-999999999": b'{"price": 1e-999999999}',
    "-1e400": b'{"price": -1e400}',
    "5,000 digits": b'{"price": %s}' % (b"9" * 5000),
    "minus 5,000 digits": b'{"price": -%s}' % (b"9" * 5000),
    "0.1 with 10,000 digits": b'{"price": 0.%s}' % (b"1" * 10_000),
    "+1": b'{"price": +1}',
    "01": b'{"price": 01}',
    ".5": b'{"price": .5}',
    "0x1f": b'{"price": 0x1f}',
    "33 lists": b"[" * 33 + b"]" * 33,
    "33 objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "1,000 lists": b"[" * 1000 + b"]" * 1000,
    "1,000 objects": b'{"a":' * 1000 + b"1" + b"}" * 1000,
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 open lists": b"[" * 100_000,
    "100,000 open objects": b'{"a":' * 100_000,
    "same key twice": b'{"name": "a", "name": "b"}',
    "same key in two spellings": rb'{"name": "a", "n\u0061me": "b"}',
    "truncated UTF-8": b'{"name": "\xe2\x82"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "beyond Unicode": b'{"name": "\xf4\x90\x80\x80"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "UTF-32": '{"name": "a"}'.encode("utf-32"),
    "truncated": b'{"name": "a"',
    "two documents": b"{}{}",
    "trailing comma": b'{"name": "a",}',
    "single quotes": b"{'name': 'a'}",
    "comment": b'{"name": "a"} // no',
    "newline in a string": b'{"name": "a\nb"}',
    "bad escape": rb'{"name": "\x41"}',
    "a form": b"name=a&price=1",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "white space": b" \n\t ",
}

NO_OBJECT: Mapping[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "number": b"-0",
    "string": b'"text"',
    "list": b"[]",
    "list of lists": b"[[], [[]]]",
}

_TYPES: Sequence[str] = (
    *("text/plain", "text/csv", "application/xml", "application/octet-stream", "nonsense", ""),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b/c", "*/*"),
    *("multipart/form-data", "application/json-patch+json", "application/x-ndjson"),
    *(f"{JSON}; charset={name}" for name in ("bogus", "utf-16", "latin-1", "utf-7", "\xff")),
    *(f"{JSON}; charset*=bogus''utf-8", f"{JSON}; x*=%00''y"),
)

KINDS: Mapping[str, str] = {
    "null": "null",
    "true": "true",
    "false": "false",
    "zero": "0",
    "minus zero": "-0",
    "minus one": "-1",
    "fraction": "1.555",
    "40 digits": "9" * 40,
    "1e300": "1e300",
    "empty": '""',
    "blank": r'" \t\u00a0\u2028 "',
    "list": "[]",
    "mixed list": '[1, null, "a", {}]',
    "object": "{}",
    "nested": '{"a": {"b": [[[]]]}}',
    "huge": '"' + "x" * 200_000 + '"',
    "huge emoji": '"' + "😀" * 150_000 + '"',
    "300 combining marks": '"' + "\u0301" * 501 + '"',
    "5,000 items": "[" + "1," * 4999 + "1]",
}

_UNASKED: Mapping[str, str] = {
    "tenant": '"rival"',
    "tenant_id": '"0192d3c4-0000-7000-8000-000000000001"',
    "id": '"0192d3c4-0000-7000-8000-000000000001"',
    "created_at": '"2001-01-01T00:00:00Z"',
    "updated_at": '"2001-01-01T00:00:00Z"',
    "deleted_at": "null",
    "version": "1",
    "sort_title": '"a"',
    "on_hand": "1000",
    "currency": '"USD"',
    "is_superuser": "true",
    "role": '"owner"',
    "__proto__": "{}",
    "__class__": '"Book"',
    "$where": '"1"',
    "": "1",
    "title__contains": '"a"',
    "x" * 5000: "1",
    "non_field_errors": "[]",
}


def broken(write: Write) -> Iterator[Attack]:
    """What is no JSON, and what is none that is taken anywhere."""
    for name, body in BROKEN.items():
        yield write.attack(name, body, {400})
    for name, body in NO_OBJECT.items():
        yield write.attack(name, body, {422})
    yield write.attack("empty", b"", {write.empty} if write.method != "PATCH" else {200})
    for content_type in _TYPES:
        yield write.attack(content_type, whole(write.body), {415}, content_type=content_type)


def large(write: Write) -> Iterator[Attack]:
    """More than is taken, and what would become more."""
    zipped = gzip.compress(b" " * MIB)
    for coding in ("gzip", "deflate", "br", "x", "identity, gzip"):
        headers = [("Content-Encoding", coding)]
        yield write.attack(f"encoded by {coding}", zipped, {415}, headers=headers)
    yield write.attack("1 MiB and a byte", b" " * (MIB + 1), {413})
    yield write.attack("60,000 keys", _keys(60_000), {422})


def wrong_fields(write: Write) -> Iterator[Attack]:
    """Every kind of value at every field that does not take it, and what nobody asked for."""
    for field, right in write.kinds.items():
        for kind, value in KINDS.items():
            if kind not in right:
                body = whole({**write.body, field: value})
                yield write.attack(f"{field} is {kind}", body, write.status)
    for field, value in _UNASKED.items():
        if field not in write.body:
            body = whole({**write.body, field: value})
            yield write.attack(f"unasked {field[:20]}", body, write.status)


def wrong_keys(write: Write) -> Iterator[Attack]:
    """Values of `Idempotency-Key` that are none, on a write that is right otherwise."""
    emoji = "😀".encode().decode("latin-1")
    for key in ("", " ", "k" * 256, "k" * 8000, "\xe9", "\x7f", "a\tb", emoji):
        headers = [("Idempotency-Key", key)]
        yield write.attack(f"key {key[:20]!r}", whole(write.body), {400}, headers=headers)


def whole(body: Mapping[str, str]) -> bytes:
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in body.items()) + "}").encode()


def _keys(number: int) -> bytes:
    return whole({str(place): "1" for place in range(number)})
