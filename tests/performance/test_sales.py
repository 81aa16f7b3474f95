import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import TestCase

from tests.performance.sales import MOST_QUANTITY, order_bodies, order_of

BOOKS = [f"book {number}" for number in range(50)]


class OrderTests(TestCase):
    def test_an_order_has_each_book_once_and_some_copies_of_it(self) -> None:
        items = json.loads(order_of(["a", "b", "c"], random.Random(0)))["items"]
        self.assertEqual([item["book_id"] for item in items], ["a", "b", "c"])
        self.assertTrue(all(1 <= item["quantity"] <= MOST_QUANTITY for item in items))

    def test_a_file_has_an_order_a_line_the_same_in_every_run(self) -> None:
        with TemporaryDirectory() as folder:
            files = [
                order_bodies(Path(folder), BOOKS, lines=3, orders=40).read_bytes() for _ in range(2)
            ]
        orders = [json.loads(line)["items"] for line in files[0].splitlines()]
        self.assertEqual(files[0], files[1])
        self.assertEqual([len({item["book_id"] for item in items}) for items in orders], [3] * 40)
        self.assertGreater(len({item["book_id"] for items in orders for item in items}), 40)
