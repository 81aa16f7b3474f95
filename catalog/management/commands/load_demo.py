"""Loads the demo tenants."""

import shutil
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.demo.load import (
    LoadRefused,
    commits_on_disk,
    is_loaded,
    load,
    vacuum_loaded_tables,
)
from catalog.demo.shops import Shop, UnknownShop, chosen_shops


class Command(BaseCommand):
    help = (
        "Loads the demo tenants (tenant-a to tenant-e: 500, 5,000, 50,000, 100 and 10,000 books), "
        "or one tenant with any number of books. What is loaded already stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--tenants",
            default="",
            metavar="SLUG,…",
            help="which demo tenants; with --books, the one tenant to make (default tenant-N)",
        )
        parser.add_argument("--books", type=int, metavar="N", help="one tenant with N books")

    def handle(self, *, tenants: str, books: int | None, verbosity: int, **options: Any) -> None:
        try:
            shops = chosen_shops([slug.strip() for slug in tenants.split(",") if slug], books)
            # All are looked at before one is loaded, so that a refusal changes nothing.
            missing = [shop for shop in shops if not self._is_loaded(shop)]
            if missing:
                self._load_all(missing, quiet=verbosity == 0)
        except (UnknownShop, LoadRefused) as error:
            raise CommandError(str(error)) from None

    def _is_loaded(self, shop: Shop) -> bool:
        if not is_loaded(shop):
            return False
        self.stdout.write(f"{shop.slug}: loaded already, nothing changed")
        return True

    def _load_all(self, shops: list[Shop], *, quiet: bool) -> None:
        with commits_on_disk():
            for shop in shops:
                self._load(shop, quiet=quiet)
            vacuum_loaded_tables()

    def _load(self, shop: Shop, *, quiet: bool) -> None:
        columns, lines = shutil.get_terminal_size()  # 80 by 24 where the terminal does not tell
        begun = time.perf_counter()
        with tqdm(
            desc=shop.slug,
            total=shop.books,
            unit=" books",
            unit_scale=True,
            ncols=columns,
            nrows=lines,
            leave=False,
            file=sys.stderr,
            disable=quiet or None,  # None: unless stderr is a terminal
        ) as progress:
            load(shop, advance=progress.update)
        seconds = time.perf_counter() - begun
        self.stdout.write(
            f"{shop.slug}: {shop.books:,} books in {seconds:.1f} s ({shop.books / seconds:,.0f}/s)"
        )
