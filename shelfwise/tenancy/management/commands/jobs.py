from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shelfwise.jobs import counts, in_trouble, replay


class Command(BaseCommand):
    help = (
        "Shows how many jobs wait, run and have failed, and each that has failed or is stuck "
        "(begun by a worker that is dead, or due for minutes). Exit status 1 when there is any."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--replay", nargs="*", type=int, metavar="ID", help="run these again; without ids: all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["replay"] is not None:
            repeated = replay(options["replay"] or None)
            self.stdout.write(f"{repeated} enqueued again")
            return
        for queue, status, count in counts():
            self.stdout.write(f"{queue:14}{status:10}{count:8}")
        troubled = in_trouble()
        for each in troubled:
            self.stdout.write(str(each))
        if troubled:
            raise CommandError(
                f"{len(troubled)} jobs have failed or are stuck. The worker's log tells why; "
                "`manage.py jobs --replay` runs them again."
            )
