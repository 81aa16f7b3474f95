"""Messages that are hostile as HTTP: paths, methods, headers, and how a body is framed."""

from collections.abc import Iterator, Mapping, Sequence

from tests.faults.attacks import API, JSON, Attack, bearer
from tests.faults.wire import Headers, request

MIB = 1024 * 1024
BOOKS = f"{API}/books"

_PATHS: Mapping[str, str] = {
    "doubled slash": "/api/v2//books",
    "leading slashes": "//api/v2/books",
    "another host's": "//evil.example/api/v2/books",
    "trailing slash": f"{BOOKS}/",
    "parent": "/api/v2/../v2/books",
    "encoded parent": "/api/v2/%2e%2e/v2/books",
    "far parent": "/static/../../../../etc/passwd",
    "encoded far parent": "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "backslashes": "/static/..%5c..%5cetc%5cpasswd",
    "NUL": f"{BOOKS}/%00",
    "NUL in static": "/static/%00",
    "not UTF-8": f"{BOOKS}/%ff%fe",
    "overlong UTF-8": "/static/%c0%ae%c0%ae/etc/passwd",
    "WTF-8": f"{BOOKS}/%ed%a0%80",
    "Unicode": f"{BOOKS}/%E7%BA%A2%E6%A5%BC%E6%A2%A6",
    "line break": f"{BOOKS}/%0d%0aX-Injected:1",
    "broken escape": f"{BOOKS}/%zz",
    "very long": f"{BOOKS}/" + "a" * 8000,
    "very deep": "/api/v2" + "/a" * 3900,
    "no UUID": f"{BOOKS}/1",
    "no UUID but long": f"{BOOKS}/0192d3c4-0000-7000-8000-00000000000",
    "braces": f"{BOOKS}/{{0192d3c4-0000-7000-8000-000000000001}}",
    "Unicode digits": f"{BOOKS}/%D9%A0192d3c4-0000-7000-8000-000000000001",
    "unknown": "/api/v2/nonsense",
    "unknown version": "/api/v3/books",
    "upper case": "/API/V2/BOOKS",
    "path parameters": f"{BOOKS};a=1",
    "unknown below a book": f"{BOOKS}/0192d3c4-0000-7000-8000-000000000001/nonsense",
    "source": "/.git/config",
    "environment": "/.env",
    "PHP": "/index.php?s=/Index/%5Cthink%5Capp",
    "unknown ISBN": f"{BOOKS}/by-isbn/9780261103351",
}
_NO_ISBNS: Sequence[str] = (
    *("1", "%00", "x" * 3000, "978026110334%D9%A4", "9780261103345", "%20", "..", "9" * 500),
    *("%E2%80%AE9780261103344", "978%2F0261103344"),
)

_HEADERS: Mapping[str, tuple[Headers, set[int]]] = {
    "Accept nothing": ([("Accept", "*/*;q=0")], {200, 406}),
    "Accept HTML": ([("Accept", "text/html")], {406}),
    "Accept what is none": ([("Accept", ",;q=,/;;*/")], {200, 406}),
    "Accept a thousand": ([("Accept", ",".join(["text/html;q=0.1"] * 400))], {406}),
    "Accept-Encoding nonsense": ([("Accept-Encoding", "gzip;q=NaN, \xff")], {200}),
    "Accept-Language nonsense": ([("Accept-Language", "xx-" * 2000)], {200}),
    "override": ([("X-HTTP-Method-Override", "DELETE")], {200}),
    "override twice": ([("X-HTTP-Method", "DELETE"), ("X-Method-Override", "POST")], {200}),
    "If-None-Match of bytes": ([("If-None-Match", '"\xff\xfe", W/"')], {200}),
    "If-None-Match of many": ([("If-None-Match", '"a",' * 1600)], {200}),
    "If-None-Match open": ([("If-None-Match", '"' * 7000)], {200}),
    "If-Match on a read": ([("If-Match", '"a"')], {200}),
    "Range": ([("Range", "bytes=0-0,1-1," + "2-3," * 1000)], {200}),
    "If-Range": ([("If-Range", "\xff"), ("Range", "bytes=5-1")], {200}),
    "If-Modified-Since": ([("If-Modified-Since", "Sun, 99 Foo 0000 99:99:99 GMT")], {200}),
    "long request id": ([("X-Request-ID", "a" * 5000)], {200}),
    "request id of markup": ([("X-Request-ID", "<script>\xff${jndi:ldap://a}")], {200}),
    "empty request id": ([("X-Request-ID", "")], {200}),
    "two request ids": ([("X-Request-ID", "a"), ("X-Request-ID", "b")], {200}),
    "forwarded": ([("Forwarded", "for=127.0.0.1;host=evil.example;proto=https")], {200}),
    "forwarded host": ([("X-Forwarded-Host", "evil.example")], {200}),
    "forwarded scheme": ([("X-Forwarded-Proto", "https")], {200}),
    "contradictory schemes": (
        [("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "off")],
        {200},
    ),
    "forwarded port": ([("X-Forwarded-Port", "-1"), ("X-Forwarded-For", "\xff" * 99)], {200}),
    "moved application": ([("SCRIPT_NAME", "/evil")], {200}),
    "moved path": ([("PATH_INFO", "/admin/")], {200}),
    "underscores": ([("X_Forwarded_Host", "evil.example")], {200}),
    "98 headers": ([(f"X-Header-{number}", "a") for number in range(90)], {200}),
    "cookies": ([("Cookie", "sessionid=" + "a" * 4000 + "; csrftoken=\xff; =;;")], {200}),
    "many cookies": ([("Cookie", "a=1; " * 1200)], {200}),
    "body of a read": ([("Content-Type", "nonsense"), ("Content-Length", "0")], {200}),
    "upgrade": ([("Upgrade", "h2c, websocket"), ("HTTP2-Settings", "AAMAAABkAAQ")], {200}),
    "TE": ([("TE", "trailers, deflate;q=0.5")], {200}),
    "Origin": ([("Origin", "https://evil.example"), ("Referer", "\xff")], {200}),
    "Date": ([("Date", "never")], {200}),
    "Max-Forwards": ([("Max-Forwards", "-1")], {200}),
}

_SCHEMES: Sequence[str] = (
    *("", "Bearer", "Bearer ", "Bearer  ", "Basic b3duZXI6cGFzcw==", "Bearer a.b.c", "bearer null"),
    *("Bearer \xff", "Bearer " + "a" * 7000, "Bearer " + "." * 3000, "Token x", "Bearer %00", "x"),
    *(
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer a,Bearer b",
        "Negotiate YIIZ",
        "Bearer W10.W10.W10",
    ),
)

_REFUSED_BY_SERVER: Mapping[str, tuple[bytes, set[int]]] = {
    "no version": (b"GET /health/live\r\n\r\n", {400}),
    "HTTP/0.9": (b"GET /health/live HTTP/0.9\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
    "HTTP/9": (b"GET / HTTP/9.9\r\n\r\n", {400}),
    "lower-case method": (b"get /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "short method": (b"G / HTTP/1.1\r\n\r\n", {400}),
    "bytes for a method": (b"\xff\xfe\xfd / HTTP/1.1\r\n\r\n", {400}),
    "long method": (b"A" * 100 + b" / HTTP/1.1\r\n\r\n", {400}),
    "NUL in the path": (b"GET /\0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "bytes in the path": (b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "space in the path": (b"GET /a b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "tab for a space": (b"GET\t/\tHTTP/1.1\r\n\r\n", {400}),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: 127.0.0.1\n\n", {400}),
    "asterisk": (b"GET * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "authority": (b"GET evil.example:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "NUL in a header": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: \0\r\n\r\n", {400}),
    "space before the colon": (b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n", {400}),
    "no colon": (b"GET / HTTP/1.1\r\nHost\r\n\r\n", {400}),
    "empty name": (b"GET / HTTP/1.1\r\n: a\r\n\r\n", {400}),
    "folded header": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\r\n c\r\n\r\n", {400}),
    "bytes for a name": (b"GET / HTTP/1.1\r\n\xff: a\r\n\r\n", {400}),
    "carriage return in a header": (b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", {400}),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", {400}),
    "request line of 9,000": (b"GET /%s HTTP/1.1\r\n\r\n" % (b"a" * 9000), {414}),
    "endless request line": (b"GET /" + b"a" * 20_000, {414}),
    "header of 20 KB": (b"GET / HTTP/1.1\r\nA: %s\r\n\r\n" % (b"a" * 20_000), {431}),
    "200 headers": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", {431}),
    "another expectation": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: tea\r\n\r\n", {417}),
}

_FRAMES: Mapping[str, tuple[Sequence[str], bytes]] = {
    "negative length": (["Content-Length: -1"], b"{}"),
    "signed length": (["Content-Length: +2"], b"{}"),
    "length of words": (["Content-Length: two"], b"{}"),
    "hexadecimal length": (["Content-Length: 0x2"], b"{}"),
    "list of lengths": (["Content-Length: 2, 2"], b"{}"),
    "Unicode length": (["Content-Length: \xb2"], b"{}"),
    "length of 5,000 digits": (["Content-Length: " + "9" * 5000], b"{}"),
    "empty length": (["Content-Length:"], b"{}"),
    "two lengths": (["Content-Length: 2", "Content-Length: 3"], b"{}"),
    "the same length twice": (["Content-Length: 2", "Content-Length: 2"], b"{}"),
    "length and chunks": (["Content-Length: 2", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    "chunks and length": (["Transfer-Encoding: chunked", "Content-Length: 5"], b"0\r\n\r\n"),
    "chunked twice": (["Transfer-Encoding: chunked, chunked"], b"0\r\n\r\n"),
    "two encodings": (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n"),
    "chunked first": (["Transfer-Encoding: chunked, gzip"], b"0\r\n\r\n"),
    "only identity": (["Transfer-Encoding: identity"], b"{}"),
    "only gzip": (["Transfer-Encoding: gzip"], b"{}"),
    "unknown encoding": (["Transfer-Encoding: cow"], b"{}"),
    "encoding of a tab": (["Transfer-Encoding: \x0bchunked"], b"0\r\n\r\n"),
    "quoted encoding": (['Transfer-Encoding: "chunked"'], b"0\r\n\r\n"),
}

_CHUNKS: Mapping[str, bytes] = {
    "size of words": b"two\r\n{}\r\n0\r\n\r\n",
    "empty size": b"\r\n{}\r\n0\r\n\r\n",
    "negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "size with a sign": b"+2\r\n{}\r\n0\r\n\r\n",
    "size with 0x": b"0x2\r\n{}\r\n0\r\n\r\n",
    "size with an underscore": b"0_2\r\n{}\r\n0\r\n\r\n",
    "endless size": b"1" * 20_000,
    "size of 5,000 digits": b"f" * 5000 + b"\r\n{}\r\n0\r\n\r\n",
    "chunk shorter than its size": b"5\r\n{}\r\n0\r\n\r\n",
    "chunk longer than its size": b"1\r\n{}\r\n0\r\n\r\n",
    "bare line feeds": b"2\n{}\n0\n\n",
    "broken extension": b"2;\0\r\n{}\r\n0\r\n\r\n",
    "long extension": b"2;" + b"a" * 20_000 + b"\r\n{}\r\n0\r\n\r\n",
    "broken trailer": b"2\r\n{}\r\n0\r\nno colon\r\n\r\n",
    "forbidden trailer": b"2\r\n{}\r\n0\r\nContent-Length: 3\r\n\r\n",
    "authorizing trailer": b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
    "broken off": b"2\r\n{",
    "without an end": b"2\r\n{}\r\n",
    "without a trailer's end": b"2\r\n{}\r\n0\r\nA: b\r\n",
}


def paths(token: str) -> Iterator[Attack]:
    for name, path in _PATHS.items():
        raw = request("GET", path, headers=bearer(token))
        yield Attack(f"path: {name}", raw, frozenset({404}))
    raw = request("GET", "/api%2fv2%2fbooks", headers=bearer(token))
    yield Attack("path: encoded slashes, which WSGI decodes", raw, frozenset({200}))
    for isbn in _NO_ISBNS:
        raw = request("GET", f"{BOOKS}/by-isbn/{isbn}", headers=bearer(token))
        yield Attack(f"path: ISBN {isbn[:30]}", raw, frozenset({400, 404}))


def methods(targets: Sequence[str], token: str) -> Iterator[Attack]:
    """What no path of the API does."""
    for target in targets:
        for method in ("OPTIONS", "TRACE", "PROPFIND", "SEARCH", "LOCK", "PURGE", "NONSENSE"):
            raw = request(method, target, headers=bearer(token))
            yield Attack(f"{method} {target}", raw, frozenset({405}))
    for target in ("127.0.0.1:22", "*", "http://evil.example/", "/"):
        raw = request("CONNECT", target, headers=bearer(token))
        yield Attack(f"CONNECT {target}", raw, frozenset({400, 404, 405}))
    yield Attack("OPTIONS *", request("OPTIONS", "*"), frozenset({400, 404, 405}))


def headers(token: str) -> Iterator[Attack]:
    for name, (given, statuses) in _HEADERS.items():
        raw = request("GET", f"{BOOKS}?limit=1", headers=[*bearer(token), *given])
        yield Attack(f"headers: {name}", raw, frozenset(statuses))
    for scheme in _SCHEMES:
        raw = request("GET", BOOKS, headers=[("Authorization", scheme)])
        yield Attack(f"headers: {scheme[:40]}", raw, frozenset({401}))
    for host in (
        "evil.example",
        "127.0.0.1@evil.example",
        "127.0.0.1:x",
        "[::1",
        "",
        "\xff",
        "a b",
    ):
        raw = request("GET", BOOKS, headers=bearer(token), host=host)
        yield Attack(f"headers: Host {host!r}", raw, frozenset({400}))
    yield Attack(
        "no Host", b"GET /api/v2/books HTTP/1.1\r\nConnection: close\r\n\r\n", frozenset({400, 401})
    )
    raw = request("GET", "http://evil.example/api/v2/books", headers=bearer(token))
    yield Attack("another host's address", raw, frozenset({200, 400, 404}))


def preconditions(target: str, token: str) -> Iterator[Attack]:
    """Versions that nothing is at: a change that names one is refused, however it is written."""
    body = b'{"name": "Changed"}'
    for tags in (
        "",
        '"',
        "W/",
        ",,,",
        "\xff",
        '"a"' * 2000,
        '"a", ' * 1500,
        "a*",
        '"*"',
        "0",
        "null",
    ):
        given = [*bearer(token), ("Content-Type", JSON), ("If-Match", tags)]
        for method, sent in (("PATCH", body), ("PUT", body), ("DELETE", None)):
            raw = request(method, target, headers=given, body=sent)
            yield Attack(f"If-Match of a {method}: {tags[:20]}", raw, frozenset({412}))


def broken_messages() -> Iterator[Attack]:
    """What is refused before the application sees it."""
    for name, (raw, statuses) in _REFUSED_BY_SERVER.items():
        yield Attack(f"message: {name}", raw, frozenset(statuses))


def frames(target: str, token: str) -> Iterator[Attack]:
    """Bodies whose length is a lie, or two."""
    for name, (lines, body) in _FRAMES.items():
        yield Attack(f"frame: {name}", _framed(target, token, lines, body), frozenset({400}))
    for name, body in _CHUNKS.items():
        raw = _framed(target, token, ["Transfer-Encoding: chunked"], body)
        yield Attack(f"chunks: {name}", raw, frozenset({400}), ends=True)
    old = _framed(target, token, ["Transfer-Encoding: chunked"], b"0\r\n\r\n")
    old = old.replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    yield Attack("chunks: in HTTP/1.0", old, frozenset({400}))
    for size in (3, 100, 10_000, MIB - 100):
        body = b'{"name": "Cut off"}'
        raw = _framed(target, token, [f"Content-Length: {len(body) + size}"], body)
        yield Attack(f"frame: {size} bytes missing", raw, frozenset({400}), ends=True)
    raw = _framed(target, token, ["Content-Length: 1"], b'{"name": "a"}')
    yield Attack("frame: longer than its length", raw, frozenset({400}))
    raw = _framed(target, token, ["Content-Length: 0"], b'{"name": "a"}')
    yield Attack("frame: a body after no length", raw, frozenset({422}))
    raw = _framed(target, token, ["Content-Length: 2", "Expect: 100-continue"], b"{}")
    yield Attack("frame: 100-continue", raw, frozenset({422}))


def oversize(target: str, token: str) -> Iterator[Attack]:
    """Declared, and streamed without an end."""
    declared = _framed(target, token, [f"Content-Length: {50 * MIB}"], b" " * 10_000)
    yield Attack("50 MiB declared", declared, frozenset({413}))
    waiting = [f"Content-Length: {50 * MIB}", "Expect: 100-continue"]
    yield Attack("50 MiB asked for", _framed(target, token, waiting, b""), frozenset({413}))
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    streamed = _framed(target, token, ["Transfer-Encoding: chunked"], chunk * 800)
    yield Attack("50 MiB in chunks", streamed, frozenset({413}))
    one = b"3200000\r\n" + b" " * (50 * MIB)
    streamed = _framed(target, token, ["Transfer-Encoding: chunked"], one)
    yield Attack("50 MiB in one chunk", streamed, frozenset({413}))
    tiny = b"1\r\n \r\n" * 200_000
    streamed = _framed(target, token, ["Transfer-Encoding: chunked"], tiny + b"0\r\n\r\n")
    yield Attack("200,000 chunks of a byte", streamed, frozenset({400}))


def pages() -> Iterator[Attack]:
    """The admin's door, whose answers are pages."""
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    for name, body in {
        "NUL": b"username=%00&password=%00",
        "not UTF-8": b"username=%ff&password=\xff",
        "10,000 fields": b"a=1&" * 10_000,
        "2 MiB": b"username=" + b"a" * (2 * MIB),
    }.items():
        raw = request("POST", "/admin/login/", headers=form, body=body)
        yield Attack(f"login: {name}", raw, frozenset({400, 403}), is_html_right=True)
    for query in ("next=//evil.example", "next=%00", "%ff=%ff", "a" * 4000):
        raw = request("GET", f"/admin/login/?{query}")
        yield Attack(f"login: {query[:20]}", raw, frozenset({200, 400}), is_html_right=True)


def _framed(target: str, token: str, lines: Sequence[str], body: bytes) -> bytes:
    known = [f"POST {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    sent = [*known, f"Authorization: Bearer {token}", f"Content-Type: {JSON}", *lines, "", ""]
    return "\r\n".join(sent).encode("latin-1") + body
