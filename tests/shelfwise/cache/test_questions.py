"""Which requests ask the same, and that each that asks something else is answered for itself."""

import time
from urllib.parse import parse_qsl, urlsplit

from django.test import SimpleTestCase, override_settings

from shelfwise.cache import views
from tests.cast import HOBBIT_ISBN, make_book
from tests.shelfwise.cache.warm import BOOKS, OWN_MARK, WarmTestCase, round_trips

SEARCH = f"{BOOKS}/search"


class SameTests(WarmTestCase):
    def assert_same(self, first: str, *others: str) -> None:
        """The others are answered by what the first has made."""
        made = self.warm(first)
        for other in others:
            with self.subTest(other), self.assertNumQueries(0):
                kept = self.get(other, as_=self.viewer)
                self.assertEqual((kept["X-Cache"], kept.content), ("hit", made.content))
        self.assertIn(OWN_MARK, made.content.decode())

    def test_the_order_of_parameters(self) -> None:
        self.assert_same(
            f"{BOOKS}?ordering=-title&fields=id,title",
            f"{BOOKS}?fields=id,title&ordering=-title",
        )

    def test_a_parameter_that_says_nothing(self) -> None:
        self.assert_same(BOOKS, f"{BOOKS}?limit=50", f"{BOOKS}?")
        self.assert_same(f"{SEARCH}?q=hobbit", f"{SEARCH}?limit=50&q=hobbit")
        path = f"/api/v2/authors/{self.author.id}/books"
        self.assert_same(path, f"{path}?limit=50")

    def test_the_spelling_of_a_text(self) -> None:
        self.assert_same(
            f"{SEARCH}?q=the%20hobbit",
            f"{SEARCH}?q=the+hobbit",
            f"{SEARCH}?%71=the%20%68obbit",
            f"{SEARCH}?&q=the+hobbit&",
        )

    def test_whoever_asks_in_the_tenant(self) -> None:
        made = self.warm()
        kept = self.get(BOOKS, as_=self.owner)
        self.assertEqual((kept["X-Cache"], kept.content), ("hit", made.content))

    def test_links_lead_on_however_it_was_asked(self) -> None:
        """They repeat what was said by who made the answer: the same in other words."""
        make_book(tenant=self.shelf, title="Another")
        made = self.warm(f"{BOOKS}?ordering=-title&limit=1").json()
        kept = self.get(f"{BOOKS}?limit=1&ordering=-title", as_=self.viewer).json()
        self.assertEqual(kept, made)
        link = dict(parse_qsl(urlsplit(kept["next"]).query))
        self.assertEqual((link["ordering"], link["limit"]), ("-title", "1"))
        second = self.get(kept["next"], as_=self.viewer).json()
        self.assertEqual([row["title"] for row in second["results"]], ["Another"])


class OtherTests(WarmTestCase):
    def paths(self) -> list[str]:
        make_book(tenant=self.shelf, title="Another", price="5.00", language="eng")
        next_page = self.get(f"{BOOKS}?limit=1", as_=self.viewer).json()["next"]
        return [
            BOOKS,
            f"{BOOKS}?limit=1",
            f"{BOOKS}?limit=49",
            f"{BOOKS}?page=1",
            f"{BOOKS}?page=2",
            next_page.removeprefix("http://testserver"),
            f"{BOOKS}?ordering=title",
            f"{BOOKS}?ordering=-title",
            f"{BOOKS}?fields=id",
            f"{BOOKS}?fields=id,title",
            f"{BOOKS}?count=exact",
            f"{BOOKS}?language=eng",
            f"{BOOKS}?price_min=5",
            f"{BOOKS}?price_max=5",
            f"{BOOKS}?author={self.author.id}",
            f"{BOOKS}?author={self.rival_author.id}",
            f"{BOOKS}?publisher={self.author.id}",
            f"{SEARCH}?q=hobbit",
            f"{SEARCH}?q=Hobbit",
            f"{SEARCH}?q=hobbit&limit=1",
            f"{BOOKS}/suggest?q=hobbit",
            "/api/v2/authors",
            "/api/v2/publishers",
            f"/api/v2/authors/{self.author.id}/books",
            f"/api/v2/publishers/{self.publisher.id}/books",
            f"{BOOKS}/by-isbn/{HOBBIT_ISBN}",
            f"{BOOKS}/by-isbn/978-0-261-10334-4",
        ]

    def test_each_path_and_parameter_is_a_question_of_its_own(self) -> None:
        for path in self.paths():
            with self.settings(CACHED_ANSWER_SECONDS=0):
                plain = self.get(path, as_=self.viewer).content
            with self.subTest(path):
                first = self.get(path, as_=self.viewer)
                again = self.get(path, as_=self.viewer)
                found = "hit" if path == f"{BOOKS}?limit=1" else "miss"  # the first page, above
                self.assertEqual((first["X-Cache"], again["X-Cache"]), (found, "hit"))
                self.assertEqual((first.content, again.content), (plain, plain))

    def test_each_host_is_one(self) -> None:
        make_book(tenant=self.shelf, title="Another")
        path = f"{BOOKS}?limit=1"
        with override_settings(ALLOWED_HOSTS=["one.test", "other.test"]):
            for host in ("one.test", "other.test", "one.test:8000"):
                answers = [self.get(path, as_=self.viewer, host=host) for _ in range(2)]
                self.assertEqual([each["X-Cache"] for each in answers], ["miss", "hit"])
                for each in answers:
                    self.assertTrue(each.json()["next"].startswith(f"http://{host}{BOOKS}?"))

    def test_each_scheme_is_one(self) -> None:
        make_book(tenant=self.shelf, title="Another")
        path = f"{BOOKS}?limit=1"
        for secure, scheme in ((False, "http"), (True, "https"), (False, "http")):
            headers = self._headers(self.viewer, {})
            link = self.client.get(path, headers=headers, secure=secure).json()["next"]
            self.assertTrue(link.startswith(f"{scheme}://testserver/"), link)


class RefusedTests(WarmTestCase):
    """A warm cache lets nothing through that the view refuses."""

    def assert_refused_alike(self, path: str, status: int, **headers: str) -> None:
        """As without a cache, each time, and nothing is asked of the cache's server for it."""
        headers["x_request_id"] = "the-same"
        with self.settings(CACHED_ANSWER_SECONDS=0):
            plain = self.get(path, as_=self.viewer, **headers)
        for _ in range(2):
            refused = self.get(path, as_=self.viewer, **headers)
            self.assertEqual((plain.status_code, refused.status_code), (status, status))
            self.assertEqual(refused.content, plain.content)
            self.assertEqual(dict(refused.headers), dict(plain.headers))

    def test_parameters(self) -> None:
        """Beside the ones that say nothing elsewhere: they must not be dropped where unknown."""
        by_isbn = f"{BOOKS}/by-isbn/{HOBBIT_ISBN}"
        for path in (BOOKS, f"{SEARCH}?q=hobbit", f"{BOOKS}/suggest?q=hobbit", by_isbn):
            self.warm(path)
        self.warm("/api/v2/authors")
        for path in (
            f"{BOOKS}?unknown=1",
            f"{BOOKS}?limit=50&limit=50",
            f"{BOOKS}?limit=",
            f"{BOOKS}?limit=0050&limit=50",
            f"{BOOKS}?Limit=50",
            f"{BOOKS}?limit=50%00",
            f"{BOOKS}?%ff=1",
            f"{BOOKS}?deleted=true",
            f"{BOOKS}?page=1&cursor=x",
            f"{BOOKS}?{'&'.join(f'a{number}=1' for number in range(2000))}",
            f"{SEARCH}?q=hobbit&deleted=false",
            f"{SEARCH}?q=hobbit&q=hobbit",
            f"{BOOKS}/suggest?q=hobbit&limit=50",
            f"{by_isbn}?limit=50",
            f"{by_isbn}?deleted=false",
            "/api/v2/authors?deleted=false",
        ):
            with self.subTest(path[:80]):
                self.assert_refused_alike(path, 400)

    def test_a_form_that_is_not_offered(self) -> None:
        self.warm()
        for accept in ("text/html", "application/xml, text/*;q=0.5", "", "text/json", ";", "x*/*"):
            with self.subTest(accept):
                self.assert_refused_alike(BOOKS, 406, accept=accept)

    def test_a_form_that_is(self) -> None:
        self.warm()
        for accept in (
            *(
                "*/*",
                "application/json",
                "application/*",
                "Application/JSON",
                "application/json;q=1",
            ),
            *("text/html, application/json;q=0.9, */*;q=0.8", "text/html,*/*"),
        ):
            with self.subTest(accept):
                self.assertEqual(self.found(accept=accept), "hit")

    def test_a_host_that_is_not_ours(self) -> None:
        self.warm()
        self.assert_refused_alike(BOOKS, 400, host="evil.test")

    def test_without_https(self) -> None:
        with override_settings(SECURE_SSL_REDIRECT=True):
            headers = self._headers(self.viewer, {})
            made = self.client.get(BOOKS, headers=headers, secure=True)
            kept = self.client.get(BOOKS, headers=headers, secure=True)
            self.assertEqual((made["X-Cache"], kept["X-Cache"]), ("miss", "hit"))
            with round_trips() as sent:
                refused = self.client.get(BOOKS, headers=headers)
        self.assertEqual((refused.status_code, refused.content, sent), (301, b"", []))
        self.assertEqual(refused["Location"], f"https://testserver{BOOKS}")


class MemoryTests(SimpleTestCase):
    """What is remembered of requests is bounded, and none is slow to read."""

    def question(self, query: str = "", path: str = BOOKS) -> object:
        request = self.client.request().wsgi_request
        request.path, request.META["QUERY_STRING"] = path, query
        return views._question_of(request)

    def test_questions(self) -> None:
        remembered = views._read_question.cache_info()
        assert remembered.maxsize
        self.assertLessEqual(remembered.maxsize * views._LONGEST_REMEMBERED, 5_000_000)
        for number in range(3):
            self.question(f"fields={'id,' * 400}title&price_min={number}")
        self.assertEqual(views._read_question.cache_info().currsize, remembered.currsize)

    def test_a_long_question_is_like_any_other(self) -> None:
        long = f"price_min=1&fields={'id,' * 400}title"
        self.assertEqual(self.question(long), self.question("&".join(long.split("&")[::-1])))
        self.assertIsNotNone(self.question(long))

    def test_a_question_holds_no_tenant(self) -> None:
        """It is remembered for all of them; the key is made with the tenant of each token."""
        held = {"shown", "text", "zipped", "allow", "seconds"}
        self.assertEqual(set(views._Question.__annotations__), held)

    def test_no_header_takes_long_to_read(self) -> None:
        many = (",a" * 26, ",a" * 4000, ", a" * 2600, "," * 8000, " " * 8000, "*/" * 4000)
        for each in (*many, ";a=" * 2600):
            began = time.process_time()
            views._takes_json(f"application/json{each} x y")
            views._takes_json(f"application/xml{each} x y")
            views._takes_gzip(f"gzip{each}x")
            views._takes_gzip(f"gzip;q=0.{'0' * 8000}{each}x")
            with self.subTest(each[:9]):
                self.assertLess(time.process_time() - began, 0.5)
