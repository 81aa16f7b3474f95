#!/usr/bin/env python
"""Runs ShelfWise's commands; `python manage.py help` lists them."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError

from shelfwise import devservers


def main() -> None:
    """Runs the command of `sys.argv`, beside the development servers that it needs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shelfwise.settings")
    if sys.argv[1:2] == ["work"]:
        os.environ["SHELFWISE_PROCESS"] = "worker"  # settings pool its connections
    with devservers.environment_for(sys.argv):
        try:
            execute_from_command_line(sys.argv)
        except OperationalError as error:
            if "--traceback" in sys.argv:
                raise
            reason, _, _ = str(error).partition("\n")
            sys.exit(f"shelfwise: The database does not answer: {reason}")


if __name__ == "__main__":
    main()
