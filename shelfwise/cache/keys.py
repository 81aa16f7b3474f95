"""Every key that the cache uses. A tenant's keys share one slot of a cluster: the braces say so."""

import hashlib
from enum import StrEnum
from uuid import UUID


class Shown(StrEnum):
    """What answers are made of, each with a generation of its own.

    A stream of orders changes stock all day long; what shows neither outlives it.
    """

    CATALOG = "catalog"
    STOCK = "stock"
    ORDERS = "orders"


def generation_key(tenant: UUID | str, shown: Shown) -> str:
    return f"{{{tenant}}}:generation:{shown}"


def entry_key(tenant: UUID | str, question: str) -> str:
    """Of the answer to a question: a text that differs wherever the answer may differ."""
    digest = hashlib.blake2b(question.encode(), digest_size=16).hexdigest()
    return f"{{{tenant}}}:answer:{digest}"


def pattern_of_entries(tenant: UUID | str) -> str:
    """What the keys of a tenant's kept answers look like, for SCAN; their locks don't."""
    return f"{{{tenant}}}:answer:" + "[0-9a-f]" * 32


def requests_key(tenant: UUID | str, who: str) -> str:
    """Counts the requests of a tenant's login, or of `all`."""
    return f"{{{tenant}}}:requests:{who}"


def tries_key(kind: str, who: str) -> str:
    """Counts tries to log in: no tenant is known yet, so all of these share a slot."""
    digest = hashlib.blake2b(who.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{{tries}}:{kind}:{digest}"


def lock_key(entry: str) -> str:
    """Held by who makes the answer that is to be kept there."""
    return f"{entry}:lock"
