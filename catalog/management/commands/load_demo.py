"""Loads the demo tenants."""

import shutil
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.demo.load import (
    LoadRefused,
    is_loaded,
    load_all,
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
        columns, lines = shutil.get_terminal_size()  # 80 by 24 where the terminal does not tell
        with tqdm(
            total=sum(shop.books for shop in shops),
            unit=" books",
            unit_scale=True,
            ncols=columns,
            nrows=lines,
            leave=False,
            file=sys.stderr,
            disable=quiet or None,  # None: unless stderr is a terminal
        ) as progress:
            for shop, seconds in load_all(shops, advance=progress.update):
                speed = f"{shop.books:,} books in {seconds:.1f} s ({shop.books / seconds:,.0f}/s)"
                with progress.external_write_mode(file=sys.stdout):
                    self.stdout.write(f"{shop.slug}: {speed}")
        vacuum_loaded_tables()
