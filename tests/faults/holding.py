"""What must hold whatever is sent: the form of answers, the data, the workers' memory, the log."""

import re
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from django.db import connection

from tests.faults.attacks import JSON, Attack
from tests.faults.wire import PROBLEM, Answer, NoAnswer, send
from tests.server import Server

SECONDS = 3.0
"""In which every attack is answered."""
_AT_ONCE = 4
_MOST_LATE = 5
"""That are asked again alone: on a busy machine the largest bodies are late beside three others."""
_MEMBERS = {"type", "title", "status", "detail", "instance", "request_id", "errors"}
_ERROR = re.compile(r'"level":"(error|critical)"|\[(ERROR|CRITICAL)\]|^Traceback')
_HOST = '"logger":"django.security.DisallowedHost"'


@dataclass(slots=True)
class Tally:
    """What a number of attacks came to."""

    faults: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")

    def add(self, attack: Attack, answer: Answer | NoAnswer) -> None:
        if isinstance(answer, NoAnswer):
            if not attack.is_silence_right:
                self.faults.append(f"{attack.name}: no answer, {answer}")
            return
        self.statuses[answer.status] += 1
        self.slowest = max(self.slowest, (answer.seconds, attack.name))
        if fault := fault_of(attack, answer):
            self.faults.append(f"{attack.name}: {fault}")


def attacked(server: Server, attacks: Iterable[Attack]) -> Tally:
    """Sends each on a connection of its own, a few at a time; the first that are late once more."""

    def answer(attack: Attack) -> tuple[Attack, Answer | NoAnswer]:
        try:
            return attack, send(server.port, attack.raw, ends=attack.ends)
        except NoAnswer as silence:
            return attack, silence

    tally, late = Tally(), list[Attack]()
    with ThreadPoolExecutor(_AT_ONCE) as senders:
        for attack, found in senders.map(answer, attacks):
            is_late = isinstance(found, Answer) and found.seconds > SECONDS
            if is_late and len(late) < _MOST_LATE:
                late.append(attack)
            else:
                tally.add(attack, found)
    for attack in late:
        tally.add(*answer(attack))
    return tally


def fault_of(attack: Attack, answer: Answer) -> str:
    """What is wrong with the answer, if anything is."""
    if answer.status not in attack.statuses:
        return f"{answer.status}, not {sorted(attack.statuses)}: {answer.body[:200]!r}"
    if answer.seconds > SECONDS:
        return f"answered after {answer.seconds:.1f} s"
    if attack.is_html_right:
        return ""
    return _form_fault(answer)


def _form_fault(answer: Answer) -> str:
    wanted = JSON if answer.status < 400 else PROBLEM
    if answer.kind != wanted:
        return f"{answer.status} as {answer.kind!r}"
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return f"{answer.status} with {answer.body[:200]!r}"
    if answer.status >= 400 and not (
        document.keys() == _MEMBERS and document["status"] == answer.status
    ):
        return f"no problem document: {answer.body[:200]!r}"
    if len(answer.body) > 100_000:
        return f"an answer of {len(answer.body)} bytes"
    return ""


def contents() -> dict[str, tuple[int, str]]:
    """The number of rows of every table, and a checksum of them."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            rows = f'SELECT t::text AS text FROM "{table}" t'
            summed = "SELECT count(*), md5(string_agg(text, chr(10) ORDER BY text))"
            cursor.execute(f"{summed} FROM ({rows}) AS rows")
            found[table] = cursor.fetchone()
    return found


def memory(server: Server) -> dict[int, tuple[float, float]]:
    """Of each worker what it holds now and the most that it held, in MiB."""
    return {pid: (_mib(pid, "VmRSS"), _mib(pid, "VmHWM")) for pid in server.workers()}


def _mib(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found
    return int(found[1]) / 1024


class Log:
    """What the server has written since this was made."""

    def __init__(self, server: Server) -> None:
        self._path, self._begin = server.log, server.log.stat().st_size

    def errors(self) -> list[str]:
        """The lines that tell of what nobody expected, or of a worker that died.

        Django writes an error for each host that is not ours; that one is expected.
        """
        lines = self._path.read_bytes()[self._begin :].decode(errors="replace").splitlines()
        return [line[:3000] for line in lines if _ERROR.search(line) and _HOST not in line]
