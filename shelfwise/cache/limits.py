"""How much somebody may still ask: counted in the cache's server, for all processes together.

A window begins with the first request and lasts a minute; after it the whole quota is there again.
So in a minute that falls into two windows up to twice as many can come through, and never more in
one window, however many ask at once: the server runs a script without anything in between.

The package `limits` was left aside: each limit is a round trip of its own there, and no other
question can go with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shelfwise.cache.store import CacheAway, ask

WINDOW_SECONDS = 60

_TAKE = """
local window, counters = tonumber(ARGV[1]), #ARGV - 1
local used, left, room = {}, {}, 1
for i = 1, counters do
  left[i] = redis.call('PTTL', KEYS[i])
  used[i] = left[i] > 0 and tonumber(redis.call('GET', KEYS[i])) or 0
  if left[i] <= 0 then left[i] = window end
  if used[i] >= tonumber(ARGV[i + 1]) then room = 0 end
end
local values = #KEYS > counters and redis.call('MGET', unpack(KEYS, counters + 1)) or {}
local found = {room, values}
for i = 1, counters do
  used[i] = used[i] + room
  if room == 1 then redis.call('SET', KEYS[i], used[i], 'PX', left[i]) end
  found[#found + 1] = used[i]
  found[#found + 1] = left[i]
end
return found
"""
_GIVE_BACK = """
for _, key in ipairs(KEYS) do
  if (tonumber(redis.call('GET', key)) or 0) > 0 then redis.call('DECR', key) end
end
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many a window, counted under `key`. Clients know it by its name."""

    name: str
    key: str
    most: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a limit, and the seconds until all of it is there again."""

    limit: Limit
    left: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Count:
    """Whether a request is let in, and the values that were read with it."""

    admitted: bool
    standings: tuple[Standing, ...]
    values: tuple[bytes | None, ...]

    @property
    def wait(self) -> int:
        """Seconds until what is used up is there again."""
        return max((each.seconds for each in self.standings if not each.left), default=0)


def take(limits: Sequence[Limit], *, reading: Sequence[str] = ()) -> Count:
    """Counts a request under all the limits, or under none if one of them is used up.

    In the same round trip it reads the values of the keys in `reading`. All keys share a slot of a
    cluster. Raises CacheAway.
    """
    keys = [*(limit.key for limit in limits), *reading]
    arguments = [WINDOW_SECONDS * 1000, *(limit.most for limit in limits)]
    found = ask(lambda client: client.eval(_TAKE, len(keys), *keys, *arguments))
    try:
        room, values, *counted = found
        pairs = zip(limits, counted[::2], counted[1::2], strict=True)
        standings = tuple(_standing(limit, used, left) for limit, used, left in pairs)
    except (TypeError, ValueError):
        raise CacheAway from None
    if not isinstance(values, list) or len(values) != len(reading):
        raise CacheAway
    read = tuple(value if isinstance(value, bytes) else None for value in values)
    return Count(room == 1, standings, read)


def give_back(limits: Sequence[Limit]) -> None:
    """Counts one request less under each of the limits. Raises CacheAway."""
    keys = [limit.key for limit in limits]
    ask(lambda client: client.eval(_GIVE_BACK, len(keys), *keys))


def _standing(limit: Limit, used: Any, milliseconds: Any) -> Standing:
    return Standing(limit, max(limit.most - used, 0), -(-milliseconds // 1000))
