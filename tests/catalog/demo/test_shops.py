"""Which shops `load_demo` means."""

from django.test import SimpleTestCase

from catalog.demo.shops import DEMO_SHOPS, UnknownShop, chosen_shops


class ChosenShopsTests(SimpleTestCase):
    def test_without_a_choice_it_is_all_five(self) -> None:
        sizes = {shop.slug: shop.books for shop in chosen_shops([], None)}
        self.assertEqual(
            sizes,
            {
                "tenant-a": 500,
                "tenant-b": 5_000,
                "tenant-c": 50_000,
                "tenant-d": 100,
                "tenant-e": 10_000,
            },
        )

    def test_some_of_them_in_the_order_named_and_once(self) -> None:
        chosen = chosen_shops(["tenant-d", "tenant-a", "tenant-d"], None)
        self.assertEqual([shop.slug for shop in chosen], ["tenant-d", "tenant-a"])

    def test_a_size_makes_one_shop_named_after_it(self) -> None:
        (shop,) = chosen_shops([], 1_000)
        self.assertEqual((shop.slug, shop.books), ("tenant-1000", 1_000))

    def test_a_size_may_be_given_to_a_slug_of_ones_own(self) -> None:
        (shop,) = chosen_shops(["big"], 1_000_000)
        self.assertEqual((shop.slug, shop.books, shop.currency), ("big", 1_000_000, "EUR"))

    def test_a_demo_shop_of_another_size_keeps_its_name_and_currency(self) -> None:
        (shop,) = chosen_shops(["tenant-b"], 7)
        self.assertEqual(shop, DEMO_SHOPS[1]._replace(books=7))

    def test_an_unknown_slug_is_refused_with_those_that_are_known(self) -> None:
        with self.assertRaisesRegex(UnknownShop, "called tenant-z: choose from tenant-a, "):
            chosen_shops(["tenant-a", "tenant-z"], None)

    def test_a_size_for_several_shops_is_refused(self) -> None:
        with self.assertRaisesRegex(UnknownShop, "--books makes one tenant"):
            chosen_shops(["tenant-a", "tenant-b"], 7)

    def test_a_size_out_of_bounds_is_refused(self) -> None:
        for size in (-1, 0, 10_000_001):
            with self.assertRaisesRegex(UnknownShop, "1 to 10,000,000"):
                chosen_shops(["big"], size)
