"""The cache's keys: a tenant's in one slot of a cluster, each question's its own."""

from uuid import UUID

from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from shelfwise.cache.keys import Shown, entry_key, generation_key, lock_key
from shelfwise.ids import uuid7


def keys_of(tenant: UUID, questions: list[str]) -> list[str]:
    """Every key that is asked for together, or could be."""
    entries = [entry_key(tenant, question) for question in questions]
    generations = [generation_key(tenant, shown) for shown in Shown]
    return [*entries, *(lock_key(entry) for entry in entries), *generations]


def slots_of(tenant: UUID, questions: list[str]) -> set[int]:
    return {key_slot(key.encode()) for key in keys_of(tenant, questions)}


class SlotTests(SimpleTestCase):
    @settings(deadline=None)
    @given(st.uuids(), st.lists(st.text(max_size=50), min_size=1, max_size=5))
    def test_a_tenants_keys_share_one(self, tenant: UUID, questions: list[str]) -> None:
        self.assertEqual(slots_of(tenant, questions), {key_slot(str(tenant).encode())})

    def test_other_tenants_have_others(self) -> None:
        """Of 1,000 tenants about 970 different ones among 16,384 are to be expected."""
        slots = [slots_of(uuid7(), ["books"]) for _ in range(1000)]
        self.assertGreater(len(set().union(*slots)), 900)

    def test_as_redis_itself_computes_it(self) -> None:
        """The example of the specification: CRC16 of `123456789` is 0x31C3."""
        self.assertEqual(key_slot(b"{123456789}:generation:catalog"), 0x31C3 % 16384)


class EntryKeyTests(SimpleTestCase):
    @settings(deadline=None)
    @given(st.text(max_size=50), st.text(max_size=50))
    def test_another_question_has_another(self, one: str, other: str) -> None:
        tenant = uuid7()
        same = entry_key(tenant, one) == entry_key(tenant, other)
        self.assertEqual(same, one == other)

    def test_another_tenant_has_others(self) -> None:
        one, other = (set(keys_of(uuid7(), ["books", "authors"])) for _ in range(2))
        self.assertEqual(one & other, set())
        self.assertEqual((len(one), len(other)), (7, 7))

    def test_does_not_grow_with_the_question(self) -> None:
        tenant = uuid7()
        self.assertEqual(len(entry_key(tenant, "a" * 8000)), len(entry_key(tenant, "")))

    def test_tells_nothing_of_the_question(self) -> None:
        self.assertNotIn("secret", entry_key(uuid7(), "/api/v2/books/search?q=secret"))
