"""The data files: enough, without repeats, and in the codes that the catalogue uses."""

from django.test import SimpleTestCase
from langcodes import Language

from catalog.demo.sources import publishers_in, shelves, works


class WorksTests(SimpleTestCase):
    def test_there_are_many_works_by_many_authors(self) -> None:
        self.assertGreaterEqual(len(works()), 600)
        self.assertGreaterEqual(len({work.author.name for work in works()}), 150)

    def test_no_work_is_listed_twice(self) -> None:
        listed = [(work.author, work.title, work.language) for work in works()]
        self.assertEqual(len(listed), len(set(listed)))

    def test_languages_are_bibliographic_codes_of_iso_639_2(self) -> None:
        languages = {work.language for work in works()}
        self.assertEqual(
            languages, {Language.get(code).to_alpha3(variant="B") for code in languages}
        )

    def test_authors_are_named_and_sorted_alike_everywhere(self) -> None:
        sort_names = {work.author.name: work.author.sort_name for work in works()}
        self.assertEqual(sort_names["Émile Zola"], "emile zola")
        self.assertEqual(set(sort_names.items()), {work.author for work in works()})

    def test_a_leading_article_is_not_sorted_by(self) -> None:
        sort_titles = {work.title: work.sort_title for work in works()}
        self.assertEqual(sort_titles["The Warden"], "warden")
        self.assertEqual(sort_titles["Die Verwandlung"], "verwandlung")
        self.assertEqual(sort_titles["L'Œuvre"], "oeuvre")

    def test_a_work_has_one_to_three_subjects_and_begins_with_a_main_one(self) -> None:
        for work in works():
            codes = [subject.code for subject in work.subjects]
            self.assertIn(len(set(codes)), {1, 2, 3}, work.title)
            # Thema: FX and FY say more about a main subject, and never stand first.
            self.assertFalse(codes[0].startswith(("FX", "FY")), work.title)


class PublishersTests(SimpleTestCase):
    def test_every_language_has_a_publisher(self) -> None:
        for language in {work.language for work in works()}:
            self.assertTrue(publishers_in(language), language)

    def test_registrants_are_two_digits_and_nobody_shares_one(self) -> None:
        everybody = {it for work in works() for it in publishers_in(work.language)}
        registrants = {publisher.registrant for publisher in everybody}
        self.assertEqual(len(registrants), len(everybody))
        self.assertLess(max(registrants), 100)


class ShelvesTests(SimpleTestCase):
    def test_shops_have_shelves_of_their_own(self) -> None:
        self.assertEqual({shelf.scheme for shelf in shelves()}, {"local"})
