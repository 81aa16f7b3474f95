from argparse import ArgumentParser, ArgumentTypeError
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from shelfwise.jobs import counts, in_trouble, replay

_LAST_ID: Final = 2**63 - 1


class Command(BaseCommand):
    help = (
        "Shows how many jobs wait, run and have failed, and each that has failed or is stuck "
        "(begun by a worker that is dead, or due for minutes). Exit status 1 when there is any."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--replay", nargs="*", type=_id, metavar="ID", help="run these again; without ids: all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["replay"] is not None:
            self._replay(options["replay"])
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

    def _replay(self, ids: list[int]) -> None:
        repeated = replay(ids or None)
        self.stdout.write(f"{len(repeated)} enqueued again")
        left = sorted(set(ids) - repeated)
        if left:
            raise CommandError(
                f"Not enqueued again: {', '.join(map(str, left))}. A job is when it has failed, or "
                "its worker is dead."
            )


def _id(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 19 and 0 < int(text) <= _LAST_ID:
        return int(text)
    raise ArgumentTypeError(f"{text[:40]!r} is no id of a job")
