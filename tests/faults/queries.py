"""Query strings that no list should take, and absurd ones that a search must survive."""

from collections.abc import Iterator, Mapping, Sequence

from tests.faults.attacks import Attack, get

_EVERYWHERE: Mapping[str, str] = {
    "NUL": "limit=1%00",
    "NUL in a name": "li%00mit=1",
    "repeated": "limit=1&limit=1",
    "repeated in two spellings": "limit=1&l%69mit=1",
    "array": "limit[]=1",
    "object": "limit[$gt]=1",
    "1,000 parameters": "&".join(f"a{number}=1" for number in range(1000)),
    "1,000 empty parameters": "&a" * 1000,
    "8,000 characters": "limit=" + "1" * 8000,
    "8,000 characters of a name": "x" * 8000 + "=1",
    "not UTF-8": "limit=%ff",
    "overlong UTF-8": "limit=%c0%ae",
    "WTF-8": "limit=%ed%a0%80",
    "not UTF-8 in a name": "%ff=1",
    "broken escape": "limit=%zz",
    "half an escape": "limit=%",
    "IIS escape": "limit=%u0031",
    "unknown": "nonsense=1",
    "unknown and empty": "nonsense",
    "injected": "limit=1;drop table catalog_book",
    "lookup": "title__contains=a",
    "upper case": "LIMIT=1",
    "template": "limit={{7*7}}",
    "format string": "limit=%25s%25n",
}

_NO_NUMBERS: Sequence[str] = (
    *("", "0", "-1", "-0", "+1", "%2B1", "1e3", "1.0", "0x10", "1_0", " 1", "1 ", "%0a1", "1%0a"),
    *("201", "1000000001", "9" * 40, "9" * 4000, "NaN", "Infinity", "true", "null", "[]", "1,1"),
    *("%D9%A1", "%EF%BC%91", "%E2%85%A0", "%C2%B9", "%E2%80%8B1", "1%E2%80%8B"),
)
_NO_PAGES = [text for text in _NO_NUMBERS if text != "201"]

_WRONG: Mapping[str, Sequence[str]] = {
    "limit": _NO_NUMBERS,
    "page": _NO_PAGES,
    "ordering": (
        *("", "nonsense", "--title", "title,id", "-", "+title", "pk", "tenant_id", "?", "TITLE"),
        *("sort_title", "title;--", "author__tenant__slug", "price%00", "random()", "1"),
    ),
    "fields": (
        *(
            "",
            ",",
            "id,",
            "id,,title",
            "nonsense",
            "*",
            "tenant_id",
            "id,tenant__slug",
            "__class__",
        ),
        *("ID", " id", "id%00", "author__tenant", ",".join(f"f{number}" for number in range(1000))),
    ),
    "count": ("", "true", "1", "EXACT", "exact,estimated", "none"),
    "cursor": (
        *(
            "",
            "a",
            "=",
            "====",
            "null",
            "0",
            "-1",
            "%00",
            "%ff",
            "%F0%9F%98%80",
            "../../etc/passwd",
        ),
        *("AAAA", "A" * 1000, "A" * 1001, "A" * 8000, "W10", "eyJhIjoxfQ", "bnVsbA==", "%20"),
    ),
}

_WRONG_FOR_BOOKS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        ("author", "publisher", "category"),
        (
            *("", "1", "null", "0192d3c4", "0192d3c4000070008000000000000001", "' OR 1=1--"),
            *("urn:uuid:0192d3c4-0000-7000-8000-000000000001", "%00" * 36, "x" * 4000),
            "{0192d3c4-0000-7000-8000-000000000001}",
        ),
    ),
    "language": ("", "e", "english language", "en_US_x", "%00", "xx-" * 500, "12"),
    "format": ("", "scroll", "Hardcover%00", "hardback,ebook", "null"),
    **dict.fromkeys(
        ("price_min", "price_max"),
        ("", "-1", "1e3", "NaN", "Infinity", "1,50", "1.555", "9" * 11, "9" * 4000, "%D9%A1", "."),
    ),
    **dict.fromkeys(
        ("published_from", "published_to"),
        ("", "0", "20", "2008-13", "2008-02-30", "99999", "-2008", "2008-9", "today", "2" * 4000),
    ),
    "updated_since": (
        *("", "0", "2026-01-31", "2026-01-31T12:00:00", "0001-01-01T00:00:00%2B14:00", "now"),
        *("9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "2026-01-31T12:00:00Z%00", "1e9"),
    ),
    "deleted": ("", "1", "TRUE", "yes", "true", "null"),
}

_TIMES = _WRONG_FOR_BOOKS["updated_since"]
_WRONG_FOR_ORDERS: Mapping[str, Sequence[str]] = {
    "status": ("", "lost", "PENDING", "pending%00", "pending,paid", "null", "x" * 4000),
    "active": ("", "1", "TRUE", "false", "null"),
    "created_from": _TIMES,
    "created_to": _TIMES,
}

_TYPED: Mapping[str, str] = {
    "tsquery operators": "%26%20%7C%20!%20(%3A*%20%3C-%3E",
    "tsquery that does not close": "a%20%26%20(b%20%7C%20'",
    "only operators": "!!!%26%26%26%7C%7C%7C",
    "wildcards": "%25%25%25__%25",
    "200 wildcards": "%25" * 200,
    "quotes": "'%22%60%5C''",
    "dollar quotes": "$$%3Bselect%20pg_sleep(10)%3B$$",
    "injected": "'%3B%20DROP%20TABLE%20catalog_book%3B%20--",
    "regular expression": "(a%2B)%2B%24" * 10,
    "a long run": "a" * 199 + "!",
    "100 words": "%20".join("ab"[number % 2] for number in range(100)),
    "70 distinct words": "%20".join(f"{number:02}" for number in range(66)),
    "emoji": "%F0%9F%98%80" * 200,
    "family emoji": "%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7" * 60,
    "right to left": "%D7%A9%D7%9C%D7%95%D7%9D%20%E2%80%AE%D8%B3%D9%84%D8%A7%D9%85",
    "combining marks": "a" + "%CC%81" * 199,
    "ligatures that grow": "%EF%B7%BA" * 200,
    "Chinese": "%E7%BA%A2%E6%A5%BC%E6%A2%A6" * 60,
    "controls": "%01%02%1b%7f",
    "white space inside": "the%0a%0d%09hobbit",
    "noncharacter": "%EF%BF%BF%F4%8F%BF%BF",
    "backslashes": "%5C" * 200,
    "hyphens": "-" * 200,
    "ISBN of letters": "978X26110334X",
    "digits": "9" * 200,
    "colon star": "hob%3A*",
    "weights": "hobbit%3AABCD",
}

_NOT_TYPED: Mapping[str, str] = {
    "empty": "",
    "blank": "%20%09%0a",
    "NUL": "a%00b",
    "201 characters": "a" * 201,
    "201 emoji": "%F0%9F%98%80" * 201,
    "8,000 characters": "a" * 8000,
    "not UTF-8": "%ff%fe",
    "WTF-8": "%ed%a0%80",
    "twice": "a&q=b",
    "array": "a&q[]=b",
}


def of_lists(paths: Sequence[str], token: str) -> Iterator[Attack]:
    """What every list refuses."""
    for path in paths:
        for name, query in _EVERYWHERE.items():
            yield get(name, f"{path}?{_sent(query)}", token)
        for parameter, texts in _WRONG.items():
            for text in texts:
                yield _one(path, parameter, text, token)


def of_filters(token: str) -> Iterator[Attack]:
    """What the lists of books, orders and API keys refuse beside that."""
    of_lists = {"/books": _WRONG_FOR_BOOKS, "/orders": _WRONG_FOR_ORDERS}
    of_lists["/api-keys"] = {"active": _WRONG_FOR_ORDERS["active"]}
    for path, wrong in of_lists.items():
        for parameter, texts in wrong.items():
            for text in texts:
                yield _one(path, parameter, text, token)


def of_searches(paths: Sequence[str], token: str) -> Iterator[Attack]:
    """What somebody may type is answered, whatever it is; what nobody types is refused."""
    for path in paths:
        for name, text in _TYPED.items():
            yield get(name, f"{path}?q={text}", token, {200})
        for name, text in _NOT_TYPED.items():
            yield get(name, f"{path}?q={text}", token)
        for name, query in _EVERYWHERE.items():
            yield get(name, f"{path}?q=a&{_sent(query)}", token)


def _one(path: str, parameter: str, text: str, token: str) -> Attack:
    return get(f"{parameter}={text[:40]}", f"{path}?{parameter}={_sent(text)}", token)


def _sent(text: str) -> str:
    """What can't stand in a request line at all is another attack's matter."""
    return text.replace(" ", "%20").replace("\n", "%0a")
