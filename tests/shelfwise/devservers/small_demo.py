"""`manage.py demo` with shops of a few books, for the tests."""

import os
from unittest import mock

import django
from django.core.management import execute_from_command_line

from shelfwise import devservers


def main() -> None:
    """Everything else is as in manage.py."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "shelfwise.settings"
    with devservers.environment_for(["manage.py", "demo"]):
        django.setup()
        from catalog.demo import shops

        few = tuple(shop._replace(books=20) for shop in shops.DEMO_SHOPS)
        with mock.patch.object(shops, "DEMO_SHOPS", few):
            execute_from_command_line(["manage.py", "demo"])


if __name__ == "__main__":
    main()
