"""The tenants that `load_demo` makes."""

from collections.abc import Sequence
from typing import NamedTuple

from catalog.demo.editions import MOST_BOOKS


class UnknownShop(ValueError):
    """What was asked for names no shop that can be loaded. The text says what to ask for."""


class Shop(NamedTuple):
    """A tenant to load. `currency` is an ISO 4217 code."""

    slug: str
    name: str
    currency: str
    books: int


DEMO_SHOPS = (
    Shop("tenant-a", "Boekhandel De Schaduwkant", "EUR", 500),
    Shop("tenant-b", "Blackthorn Lane Books", "GBP", 5_000),
    Shop("tenant-c", "Meridian Book Distribution", "USD", 50_000),
    Shop("tenant-d", "Librairie de la Marelle", "EUR", 100),
    Shop("tenant-e", "Buchhandlung zum Kranich", "CHF", 10_000),
)


def chosen_shops(slugs: Sequence[str], books: int | None) -> tuple[Shop, ...]:
    """The demo shops named, all of them when none is; with `books`, one shop of that size.

    A size without a slug makes `tenant-<books>`, so that different sizes stand side by side.
    Raises UnknownShop.
    """
    if books is not None:
        return (_shop_of_size(slugs or [f"tenant-{books}"], books),)
    known = {shop.slug: shop for shop in DEMO_SHOPS}
    if unknown := [slug for slug in slugs if slug not in known]:
        raise UnknownShop(
            f"No demo tenant is called {', '.join(unknown)}: choose from {', '.join(known)}, "
            "or give the number of --books for one of your own."
        )
    return tuple(known[slug] for slug in dict.fromkeys(slugs)) or DEMO_SHOPS


def _shop_of_size(slugs: Sequence[str], books: int) -> Shop:
    if len(slugs) != 1:
        raise UnknownShop("--books makes one tenant: name one with --tenants.")
    if not 1 <= books <= MOST_BOOKS:
        raise UnknownShop(f"--books takes 1 to {MOST_BOOKS:,}.")
    (slug,) = slugs
    for shop in DEMO_SHOPS:
        if shop.slug == slug:
            return shop._replace(books=books)
    return Shop(slug, f"Demo shop {slug}", "EUR", books)
