"""What is answered from the cache: tags, encodings, bypasses, and what is not kept at all."""

import gzip
from unittest import mock

import orjson
from django.core.signals import request_finished
from django.db import OperationalError, connection

from shelfwise.api.renderers import OrjsonRenderer
from tests.cast import HOBBIT_ISBN
from tests.shelfwise.cache.warm import BOOKS, OWN_MARK, WarmTestCase, kept_headers, round_trips

BY_ISBN = f"{BOOKS}/by-isbn/{HOBBIT_ISBN}"
UNKNOWN_ISBN = "9780140449136"


class ConditionTests(WarmTestCase):
    def test_a_known_tag_costs_no_body_and_no_query(self) -> None:
        for path in (BOOKS, BY_ISBN):
            for encoding in ("", "gzip"):
                with self.subTest(path, encoding=encoding):
                    made = self.warm(path, accept_encoding=encoding)
                    with self.assertNumQueries(0), round_trips() as sent:
                        known = self.get(
                            path,
                            as_=self.viewer,
                            accept_encoding=encoding,
                            if_none_match=made["ETag"],
                        )
                    self.assertEqual((known.status_code, known.content), (304, b""))
                    self.assertEqual((known["ETag"], len(sent)), (made["ETag"], 1))

    def test_a_304_says_what_one_without_a_cache_says(self) -> None:
        tag = self.warm()["ETag"]
        with self.settings(CACHED_ANSWER_SECONDS=0):
            plain = self.get(BOOKS, as_=self.viewer, if_none_match=tag)
        kept = self.get(BOOKS, as_=self.viewer, if_none_match=tag)
        self.assertEqual((plain.status_code, kept.status_code), (304, 304))
        self.assertEqual(kept_headers(kept), kept_headers(plain))
        self.assertEqual(kept["X-Cache"], "hit")

    def test_a_tag_on_a_cold_cache(self) -> None:
        """Who asks with a tag makes the answer for everybody."""
        with self.settings(CACHED_ANSWER_SECONDS=0):
            tag = self.get(BOOKS, as_=self.viewer)["ETag"]
        made = self.get(BOOKS, as_=self.viewer, if_none_match=tag)
        self.assertEqual((made.status_code, made.content, made["X-Cache"]), (304, b"", "miss"))
        kept = self.get(BOOKS, as_=self.viewer)
        self.assertEqual((kept.status_code, kept["X-Cache"]), (200, "hit"))
        self.assertIn(OWN_MARK, kept.content.decode())

    def test_another_tag_gets_the_body(self) -> None:
        made = self.warm()
        for tag in ('"other"', made["ETag"].strip('"'), "W/", ""):
            with self.subTest(tag):
                kept = self.get(BOOKS, as_=self.viewer, if_none_match=tag)
                self.assertEqual((kept.status_code, kept.content), (200, made.content))

    def test_a_tag_of_one_encoding_is_none_of_the_other(self) -> None:
        plain, zipped = self.warm(BY_ISBN), self.warm(BY_ISBN, accept_encoding="gzip")
        self.assertNotEqual(plain["ETag"], zipped["ETag"])
        for encoding, tag in (("", zipped["ETag"]), ("gzip", plain["ETag"])):
            headers = {"accept_encoding": encoding, "if_none_match": tag}
            answer = self.get(BY_ISBN, as_=self.viewer, **headers)
            self.assertEqual((answer.status_code, answer["X-Cache"]), (200, "hit"))

    def test_the_version_in_a_kept_tag_is_good_for_a_write(self) -> None:
        path = f"{BOOKS}/{self.book.id}"
        for encoding, price in (("", "7.00"), ("gzip", "9.00")):
            with self.subTest(encoding):
                self.warm(BY_ISBN, accept_encoding=encoding)
                tag = self.get(BY_ISBN, as_=self.viewer, accept_encoding=encoding)["ETag"]
                with self.captureOnCommitCallbacks(execute=True):
                    written = self.patch(path, {"price": price}, as_=self.owner, if_match=tag)
                    again = self.patch(path, {"price": "8.00"}, as_=self.owner, if_match=tag)
                self.assertEqual((written.status_code, again.status_code), (200, 412))


class EncodingTests(WarmTestCase):
    TAKEN = ("gzip", "GZIP", "br, gzip", "gzip;q=0.5", "br;q=1.0, gzip; q=0.8, *;q=0.1", "gzip;q=1")
    NOT_TAKEN = ("", "identity", "br", "*", "gzip;q=0", "gzip;q=0.000", "gzipped", "x;gzip", ",;=")

    def test_who_takes_gzip_gets_it(self) -> None:
        plain = self.get(BY_ISBN, as_=self.viewer)
        for accepted in self.TAKEN:
            with self.subTest(accepted):
                zipped = self.get(BY_ISBN, as_=self.viewer, accept_encoding=accepted)
                self.assertEqual(zipped["Content-Encoding"], "gzip")
                self.assertEqual(gzip.decompress(zipped.content), plain.content)
                self.assertEqual(int(zipped["Content-Length"]), len(zipped.content))
                self.assertEqual(zipped["Vary"], "Authorization, Accept-Encoding")
                self.assertLess(len(zipped.content), len(plain.content))

    def test_nobody_else_does(self) -> None:
        self.warm(BY_ISBN, accept_encoding="gzip")
        for accepted in self.NOT_TAKEN:
            with self.subTest(accepted):
                plain = self.get(BY_ISBN, as_=self.viewer, accept_encoding=accepted)
                self.assertNotIn("Content-Encoding", plain)
                self.assertIn(OWN_MARK, plain.json()["title"])

    def test_the_forms_of_saying_so_share_one_answer(self) -> None:
        self.warm(BY_ISBN, accept_encoding="gzip")
        self.warm(BY_ISBN)
        for accepted in (*self.TAKEN, *self.NOT_TAKEN):
            with self.subTest(accepted):
                self.assertEqual(self.found(BY_ISBN, accept_encoding=accepted), "hit")

    def test_what_is_short_stays_as_it_is(self) -> None:
        path = f"{BOOKS}/suggest?q=hob"
        short = self.warm(path, accept_encoding="gzip")
        self.assertLess(len(short.content), 500)
        self.assertNotIn("Content-Encoding", short)
        self.assertEqual(short["ETag"], self.get(path, as_=self.viewer)["ETag"])


class BypassTests(WarmTestCase):
    def test_a_client_that_asks_past_the_cache(self) -> None:
        """On a write past every announcement, as nothing in the service makes one."""
        made = self.warm()
        self.write_unannounced()
        for asked in ("no-cache", "No-Cache", "max-age=0, no-cache"):
            with self.subTest(asked):
                past = self.get(BOOKS, as_=self.viewer, cache_control=asked)
                self.assertEqual(past["X-Cache"], "bypass")
                self.assertIn("A quiet change", past.content.decode())
        self.assertEqual(self.get(BOOKS, as_=self.viewer).content, made.content)

    def test_a_bypass_is_as_without_a_cache(self) -> None:
        with self.settings(CACHED_ANSWER_SECONDS=0):
            plain = self.get(BOOKS, as_=self.viewer)
        past = self.get(BOOKS, as_=self.viewer, cache_control="no-cache")
        self.assertEqual((past.content, kept_headers(past)), (plain.content, kept_headers(plain)))

    def test_a_bypass_asks_the_database_only_and_keeps_nothing(self) -> None:
        with self.assertNumQueries(1), round_trips() as sent:  # the list
            past = self.get(BOOKS, as_=self.viewer, cache_control="no-cache")
        self.assertEqual((past["X-Cache"], sent), ("bypass", []))
        self.assertIn(OWN_MARK, past.content.decode())
        self.assertEqual(self.found(), "miss")

    def test_nothing_else_is_a_bypass(self) -> None:
        """What counts is never out of date: a reload, which says max-age=0, asks for no more."""
        self.warm()
        for asked in ("max-age=0", "no-store", "no-transform", "private", "", "only-if-cached"):
            with self.subTest(asked):
                self.assertEqual(self.found(cache_control=asked), "hit")
        self.assertEqual(self.found(pragma="no-cache"), "hit")

    def write_unannounced(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_book SET title = 'A quiet change' WHERE id = %s", [self.book.id]
            )


class NotKeptTests(WarmTestCase):
    def test_errors(self) -> None:
        for path, status in (
            (f"{BOOKS}/by-isbn/{UNKNOWN_ISBN}", 404),
            (f"{BOOKS}/by-isbn/123", 400),
            (f"{BOOKS}?limit=0", 400),
            (f"/api/v2/authors/{self.rival_author.id}/books", 404),
        ):
            with self.subTest(path):
                answers = [self.get(path, as_=self.viewer) for _ in range(2)]
                self.assertEqual([each.status_code for each in answers], [status] * 2)
                self.assertEqual([each.get("X-Cache") for each in answers], [None] * 2)
                self.assertEqual(answers[0]["Content-Type"], "application/problem+json")

    def test_the_database_away(self) -> None:
        away = mock.patch(
            "catalog.views.writing.answer", side_effect=OperationalError("the server went away")
        )
        with away, self.assertLogs("django.request"):
            for _ in range(2):
                failed = self.get(BOOKS, as_=self.viewer)
                self.assertEqual((failed.status_code, failed.get("X-Cache")), (503, None))
        self.assertIn(OWN_MARK, self.warm().content.decode())

    def test_a_bug(self) -> None:
        self.client.raise_request_exception = False
        broken = mock.patch("catalog.views.writing.answer", side_effect=ZeroDivisionError)
        with broken, self.assertLogs("django.request"):
            for _ in range(2):
                self.assertEqual(self.get(BOOKS, as_=self.viewer).status_code, 500)
        self.assertIn(OWN_MARK, self.warm().content.decode())

    def test_what_is_larger_than_a_mebibyte(self) -> None:
        large = orjson.dumps({"results": [OWN_MARK * 60_000]})
        with mock.patch.object(OrjsonRenderer, "render", return_value=large):
            answers = [self.get(BOOKS, as_=self.viewer) for _ in range(2)]
        self.assertGreater(len(large), 1024 * 1024)
        for answer in answers:
            self.assertEqual((answer["X-Cache"], answer.content), ("miss", large))

    def test_garbage_in_its_place_is_made_anew(self) -> None:
        made = self.warm()
        with mock.patch("shelfwise.cache.views.from_bytes", return_value=None):
            again = self.get(BOOKS, as_=self.viewer)
        self.assertEqual((again["X-Cache"], again.content), ("miss", made.content))


class OneRequestTests(WarmTestCase):
    def test_each_request_ends_once(self) -> None:
        """A second end would close connections under whoever is still at work."""
        ended = mock.Mock()
        request_finished.connect(ended)
        self.addCleanup(request_finished.disconnect, ended)
        self.warm()
        self.assertEqual(ended.call_count, 1)
        self.assertEqual((self.found(), ended.call_count), ("hit", 2))
