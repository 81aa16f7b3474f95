"""What holds of the cache behind Django's middlewares holds of the one before them."""

from shelfwise import front
from tests.catalog import test_cached_views
from tests.shelfwise.cache import test_admission, test_answers, test_questions
from tests.shelfwise.cache.front import FrontClient
from tests.shelfwise.cache.warm import BOOKS, WarmTestCase, kept_headers


class FrontTests(WarmTestCase):
    client_class = FrontClient
    client: FrontClient

    def test_a_hit_never_comes_to_django(self) -> None:
        made = self.warm()
        self.assertEqual(self.client.handler.answered, 0)
        kept = self.get(BOOKS, as_=self.viewer)
        self.assertEqual((self.client.handler.answered, kept.content), (1, made.content))

    def test_its_request_has_an_id(self) -> None:
        self.warm()
        ids = [self.get(BOOKS, as_=self.viewer, x_request_id=each) for each in ("mine", "bad id")]
        self.assertEqual(ids[0]["X-Request-ID"], "mine")
        self.assertRegex(ids[1]["X-Request-ID"], r"\A[0-9a-f-]{36}\Z")

    def test_behind_a_proxy_with_https(self) -> None:
        """A hit is as secure as any answer, and there is none without TLS."""
        front._security.cache_clear()
        self.addCleanup(front._security.cache_clear)
        secure = self.settings(
            SECURE_SSL_REDIRECT=True,
            SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
            SECURE_HSTS_SECONDS=31_536_000,
            SECURE_HSTS_INCLUDE_SUBDOMAINS=True,
            SECURE_HSTS_PRELOAD=True,
        )
        with secure:
            self.client = FrontClient()
            made = self.warm(x_forwarded_proto="https")
            kept = self.get(BOOKS, as_=self.viewer, x_forwarded_proto="https")
            self.assertEqual((kept["X-Cache"], self.client.handler.answered), ("hit", 1))
            self.assertEqual(kept_headers(kept), kept_headers(made))
            self.assertEqual(len(kept["Strict-Transport-Security"].split("; ")), 3)
            for forwarded in ({}, {"x_forwarded_proto": "http"}):
                refused = self.get(BOOKS, as_=self.viewer, **forwarded)
                self.assertEqual((refused.status_code, refused.content), (301, b""))

    def test_a_host_that_is_ours_no_more(self) -> None:
        for hosts in (["gone.test"], ["testserver"]):
            front._is_ours.cache_clear()
            with self.settings(ALLOWED_HOSTS=hosts):
                answers = [self.get(BOOKS, as_=self.viewer, host="gone.test") for _ in range(2)]
            found = [(each.status_code, each.get("X-Cache")) for each in answers]
            known = hosts == ["gone.test"]
            self.assertEqual(found, [(200, "miss"), (200, "hit")] if known else [(400, None)] * 2)

    def test_where_something_else_is_asked_django_answers(self) -> None:
        """Not GET, not the API, mounted elsewhere, in letters that WSGI mangles."""
        self.warm()
        headers = self._headers(self.viewer, {})
        for method, path, mount in (
            ("HEAD", BOOKS, ""),
            ("OPTIONS", BOOKS, ""),
            ("GET", "/health/live", ""),
            ("GET", f"{BOOKS}/by-isbn/é", ""),
            ("GET", BOOKS, "/mounted"),
        ):
            with self.subTest(f"{method} {mount}{path}"):
                self.client.defaults["SCRIPT_NAME"] = mount
                self.client.generic(method, path, headers=headers)
                self.assertEqual(self.client.handler.answered, 0)


class ViewTests(test_cached_views.KeptViewTests):
    client_class = FrontClient


class ChangedTests(test_cached_views.ChangedTests):
    client_class = FrontClient


class DebugTests(test_cached_views.DebugTests):
    client_class = FrontClient


class ConditionTests(test_answers.ConditionTests):
    client_class = FrontClient


class EncodingTests(test_answers.EncodingTests):
    client_class = FrontClient


class BypassTests(test_answers.BypassTests):
    client_class = FrontClient


class NotKeptTests(test_answers.NotKeptTests):
    client_class = FrontClient


class SameTests(test_questions.SameTests):
    client_class = FrontClient


class OtherTests(test_questions.OtherTests):
    client_class = FrontClient


class RefusedTests(test_questions.RefusedTests):
    client_class = FrontClient


class OutTests(test_admission.OutTests):
    client_class = FrontClient


class TwoTenantsTests(test_admission.TwoTenantsTests):
    client_class = FrontClient
