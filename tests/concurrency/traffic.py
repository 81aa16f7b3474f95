"""Many clients that write and read at once, and what they saw."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.concurrency.client import Client
from tests.concurrency.facts import Fact, Reading
from tests.server import Server

_OF_ONE_SUBJECT = 60
"""So many requests go by before the readers turn to other pages, as a shop's visitors do."""
_PAGES = 3
_KINDS: Sequence[Mapping[str, bool]] = (
    {},
    {"gzip": True},
    {"remembers": True},
    {"gzip": True, "remembers": True},
)


@dataclass
class Tally:
    """What the requests came to."""

    stale: list[str] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)

    @property
    def reads(self) -> int:
        return self.statuses.total()

    @property
    def hit_share(self) -> float:
        return self.found["hit"] / self.reads


class Traffic:
    """`total` requests, of which one in so many changes a fact; the others read what is watched."""

    def __init__(
        self,
        server: Server,
        token: str,
        facts: Sequence[Fact],
        *,
        watched: Sequence[Fact],
        total: int,
        one_in: int,
    ) -> None:
        self._server, self._token, self._facts = server, token, facts
        self._readings = [(fact, reading) for fact in watched for reading in fact.readings]
        self._tickets = iter(range(total))
        self._one_in = one_in
        self.tally = Tally()

    def run(self, *, clients: int) -> Tally:
        with ThreadPoolExecutor(clients) as threads:
            for each in [threads.submit(self._ask, number) for number in range(clients)]:
                each.result()
        return self.tally

    def _ask(self, number: int) -> None:
        client = Client(self._server, self._token, **_KINDS[number % len(_KINDS)])
        for ticket in self._tickets:  # each goes to one client
            if ticket % self._one_in:
                self._read(client, *self._reading(ticket))
            else:
                self._write(client, self._facts[ticket // self._one_in % len(self._facts)])
        client.close()

    def _reading(self, ticket: int) -> tuple[Fact, Reading]:
        place = ticket // _OF_ONE_SUBJECT * _PAGES + ticket % _PAGES
        return self._readings[place % len(self._readings)]

    def _write(self, client: Client, fact: Fact) -> None:
        fact.advance(client)
        self.tally.writes[fact.name] += 1

    def _read(self, client: Client, fact: Fact, reading: Reading) -> None:
        known = fact.answered
        answer = client.get(reading.path)
        self.tally.statuses[answer.status] += 1
        self.tally.found[answer.found] += 1
        if (shown := reading.shown(answer.json())) < known:
            seen = f"{fact.name}, {reading.path}, {answer.found}: {shown} after {known}"
            self.tally.stale.append(seen)
