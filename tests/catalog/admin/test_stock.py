"""Stock in the admin: each change has a reason and somebody's name in the ledger."""

from __future__ import annotations

from catalog.models import Stock, StockMovement
from catalog.stock import StockChange, change_stock
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_stock, mark_deleted
from tests.shelfwise.admin.staff import StaffTestCase, path_of

LIST, ADD = path_of("catalog/stock"), path_of("catalog/stock", "add")
LEDGER = path_of("catalog/stockmovement")


class StockTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.book = self.shop["book"]
        self.path = path_of("catalog/stock", "change", self.book.pk)
        self.enter(self.clerk)

    def on_hand(self) -> int:
        with tenant_scope(self.shelf.id):
            return Stock.objects.get(book=self.book).on_hand

    def last_movement(self) -> tuple[int, str, str]:
        with tenant_scope(self.shelf.id):
            found = StockMovement.objects.order_by("-id").values_list("delta", "reason", "actor")
            return found[0]

    def refused(self, **changes: object) -> list[str]:
        """The fields at which something is wrong. Nothing is changed."""
        before = (self.on_hand(), self.last_movement())
        errors = self.errors_of(self.client.post(self.path, self.form_of(self.path, **changes)))
        self.assertEqual((self.on_hand(), self.last_movement()), before)
        return list(errors)


class ChangeTests(StockTestCase):
    def test_copies_that_came(self) -> None:
        sent = self.form_of(self.path, delta="5", reason="delivery")
        self.assertRedirects(self.client.post(self.path, sent), LIST)
        self.assertEqual(self.on_hand(), 12)
        self.assertEqual(self.last_movement(), (5, "delivery", str(self.clerk.pk)))

    def test_copies_that_were_counted(self) -> None:
        self.client.post(self.path, self.form_of(self.path, set="4", reason="stocktaking"))
        self.assertEqual(self.on_hand(), 4)
        self.assertEqual(self.last_movement(), (-3, "stocktaking", str(self.clerk.pk)))

    def test_what_is_refused(self) -> None:
        for fields, changes in (
            (["delta"], {"delta": "-8", "reason": "lost"}),
            (["delta"], {"delta": "1000000000", "reason": "many"}),
            (["set"], {"set": "-1", "reason": "lost"}),
            (["set"], {"set": "1e9", "reason": "many"}),
            (["reason"], {"delta": "1"}),
            (["reason"], {"delta": "1", "reason": "r" * 201}),
            (["__all__"], {"reason": "nothing"}),
            (["__all__"], {"delta": "1", "set": "8", "reason": "both"}),
        ):
            with self.subTest(changes):
                self.assertEqual(self.refused(**changes), fields)

    def test_not_below_what_is_reserved(self) -> None:
        with tenant_scope(self.shelf.id):
            Stock.objects.filter(book=self.book).update(reserved=3)
        self.assertEqual(self.refused(set="2", reason="lost"), ["set"])

    def test_a_count_of_what_has_changed_meanwhile_counts_no_more(self) -> None:
        counted = self.form_of(self.path, set="7", reason="stocktaking")
        came = self.form_of(self.path, delta="1", reason="found")
        with tenant_scope(self.shelf.id):
            change_stock(book_id=self.book.pk, change=StockChange(-2, True), reason="x", actor="y")
        self.assertEqual(list(self.errors_of(self.client.post(self.path, counted))), ["__all__"])
        self.assertEqual(self.on_hand(), 5)
        self.client.post(self.path, came)
        self.assertEqual(self.on_hand(), 6)

    def test_who_only_reads_changes_nothing(self) -> None:
        sent = self.form_of(self.path, delta="5", reason="delivery")
        self.enter(self.viewer)
        self.assertNotContains(self.client.get(self.path), 'name="delta"')
        self.assertEqual(self.client.post(self.path, sent).status_code, 403)
        self.assertEqual(self.client.post(ADD, {"delta": "1"}).status_code, 403)
        self.assertEqual(self.on_hand(), 7)


class FirstStockTests(StockTestCase):
    def add(self, book_id: str) -> dict[str, list[str]]:
        sent = self.form_of(ADD, book=book_id, delta="3", reason="first delivery")
        response = self.client.post(ADD, sent)
        return {} if response.status_code == 302 else self.errors_of(response)

    def test_the_first_copies_of_a_book(self) -> None:
        book = make_book(tenant=self.shelf, title="New")
        self.assertEqual(self.add(str(book.pk)), {})
        with tenant_scope(self.shelf.id):
            self.assertEqual(Stock.objects.get(book=book).on_hand, 3)
        self.assertEqual(self.last_movement(), (3, "first delivery", str(self.clerk.pk)))

    def test_more_of_one_that_has_some(self) -> None:
        self.assertEqual(self.add(str(self.book.pk)), {})
        self.assertEqual(self.on_hand(), 10)

    def test_books_that_are_not_there(self) -> None:
        gone = make_book(tenant=self.shelf, title="Gone")
        mark_deleted(gone)
        for key in (self.theirs.key_of("book"), str(gone.pk), "nothing", ""):
            with self.subTest(key):
                self.assertEqual(list(self.add(key)), ["book"])
        with tenant_scope(self.rival.id):
            self.assertEqual(Stock.objects.get().on_hand, 7)

    def test_a_books_page_leads_to_it(self) -> None:
        book = make_book(tenant=self.shelf, title="New")
        page = self.client.get(path_of("catalog/book", "change", book.pk))
        self.assertContains(page, f"{ADD}?book={book.pk}")
        self.assertContains(
            self.client.get(path_of("catalog/book", "change", self.book.pk)), self.path
        )


class LedgerTests(StockTestCase):
    def names(self) -> list[str]:
        return [each.username for each in self.rows_of(self.client.get(LEDGER))]

    def test_who_did_what(self) -> None:
        for user, reason in ((self.clerk, "delivery"), (self.operator, "mended")):
            self.enter(user, self.shelf if user == self.operator else None)
            self.client.post(self.path, self.form_of(self.path, delta="1", reason=reason))
        with tenant_scope(self.shelf.id):
            change_stock(
                book_id=self.book.pk,
                change=StockChange(1, True),
                reason="import",
                actor=str(self.stranger.pk),
            )
        self.enter(self.viewer)
        self.assertContains(self.client.get(LEDGER), "delivery")
        self.assertEqual(self.names()[:3], [str(self.stranger.pk), "an operator", "clerk@shelf"])

    def test_of_one_book(self) -> None:
        make_stock(book=make_book(tenant=self.shelf, title="Other"), on_hand=1)
        page = self.client.get(f"{LEDGER}?book__id__exact={self.book.pk}")
        self.assertEqual([each.delta for each in self.rows_of(page)], [7])

    def test_nobody_writes_it(self) -> None:
        movement = self.shop["stockmovement"]
        self.enter(self.owner)
        for page in ("change", "delete"):
            path = path_of("catalog/stockmovement", page, movement.pk)
            sent = {"delta": "99", "post": "yes"}
            self.assertEqual(self.client.post(path, sent).status_code, 403)
        with tenant_scope(self.shelf.id):
            self.assertEqual(StockMovement.objects.get().delta, 7)

    def test_filters(self) -> None:
        sold_out = make_book(tenant=self.shelf, title="Sold out")
        make_stock(book=sold_out, on_hand=2, reserved=2)
        for query, books in (("yes", [self.book.pk]), ("no", [sold_out.pk])):
            found = self.rows_of(self.client.get(LIST, {"available": query}))
            self.assertEqual([each.pk for each in found], books)
