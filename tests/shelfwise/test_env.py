"""Each variable: what it becomes, and what is said when it is missing, wrong or contradictory."""

from django.test import SimpleTestCase

from shelfwise.env import BadEnvironment, Environment, read

SECRET = "s" * 32
KEY, OLD_KEY = "k" * 32, "o" * 32

PRODUCTION = {
    "DATABASE_URL": "postgresql://shelf:p%40ss@db.internal:5433/books?sslmode=require",
    "REDIS_URL": "redis://cache.internal:6379/0",
    "SECRET_KEY": SECRET,
    "JWT_SIGNING_KEYS": f"{KEY},{OLD_KEY}",
    "ALLOWED_HOSTS": "api.example.com",
}


def read_with(**changes: str) -> Environment:
    return read({**PRODUCTION, **changes})


class TypedTests(SimpleTestCase):
    def test_the_least_that_production_needs(self) -> None:
        environment = read(PRODUCTION)
        self.assertEqual(environment.jwt_signing_keys, (KEY, OLD_KEY))
        self.assertEqual(environment.allowed_hosts, ["api.example.com"])
        self.assertEqual(environment.secret_key, SECRET)
        self.assertEqual(environment.redis_url, "redis://cache.internal:6379/0")

    def test_defaults_are_the_safe_ones(self) -> None:
        environment = read(PRODUCTION)
        self.assertEqual(
            (environment.debug, environment.https, environment.web, environment.log_level),
            (False, True, False, "INFO"),
        )
        self.assertEqual(environment.rate_limit, 1200)
        self.assertEqual(environment.csrf_trusted_origins, [])

    def test_a_variable_set_to_nothing_is_not_set(self) -> None:
        environment = read_with(DEBUG="", HTTPS="", LOG_LEVEL=" ", CSRF_TRUSTED_ORIGINS="")
        self.assertEqual(environment, read(PRODUCTION))

    def test_flags(self) -> None:
        for text in ("1", "true", "TRUE", "yes", " on "):
            with self.subTest(text):
                self.assertTrue(read_with(DEBUG=text).debug)
        for text in ("0", "false", "No", " off"):
            with self.subTest(text):
                self.assertFalse(read_with(HTTPS=text).https)

    def test_lists(self) -> None:
        environment = read_with(
            ALLOWED_HOSTS=" a.example, .b.example,,", CSRF_TRUSTED_ORIGINS="https://a.example, "
        )
        self.assertEqual(environment.allowed_hosts, ["a.example", ".b.example"])
        self.assertEqual(environment.csrf_trusted_origins, ["https://a.example"])

    def test_log_level_in_any_case(self) -> None:
        self.assertEqual(read_with(LOG_LEVEL="warning").log_level, "WARNING")

    def test_a_rate_limit_and_none(self) -> None:
        found = [read_with(RATE_LIMIT=text).rate_limit for text in (" 5 ", "0", "999999999", " ")]
        self.assertEqual(found, [5, 0, 999_999_999, 1200])

    def test_a_process_that_answers_http(self) -> None:
        self.assertTrue(read_with(SHELFWISE_PROCESS="web").web)

    def test_debug_needs_no_hosts_and_takes_some(self) -> None:
        bare = {**PRODUCTION, "DEBUG": "1", "ALLOWED_HOSTS": ""}
        self.assertEqual(read(bare).allowed_hosts, ["127.0.0.1", "localhost", "[::1]"])
        self.assertEqual(read_with(DEBUG="1", ALLOWED_HOSTS="*").allowed_hosts, ["*"])


class DatabaseTests(SimpleTestCase):
    def test_every_part(self) -> None:
        self.assertEqual(
            read(PRODUCTION).database,
            {
                "ENGINE": "shelfwise.postgresql",
                "NAME": "books",
                "USER": "shelf",
                "PASSWORD": "p@ss",
                "HOST": "db.internal",
                "PORT": "5433",
                "OPTIONS": {"sslmode": "require"},
            },
        )

    def test_only_a_name(self) -> None:
        database = read_with(DATABASE_URL="postgres:///books").database
        self.assertEqual((database["NAME"], database["HOST"], database["PORT"]), ("books", "", ""))

    def test_a_socket_and_a_standby(self) -> None:
        socket = read_with(DATABASE_URL="postgresql:///books?host=/run/postgresql").database
        pair = read_with(DATABASE_URL="postgresql://a:5432,b:5433/books").database
        self.assertEqual(socket["HOST"], "/run/postgresql")
        self.assertEqual((pair["HOST"], pair["PORT"]), ("a,b", "5432,5433"))


class RefusalTests(SimpleTestCase):
    def assert_refused(self, message: str, **changes: str) -> None:
        with self.assertRaises(BadEnvironment) as caught:
            read_with(**changes)
        self.assertIn(message, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_each_required_variable_is_named_when_it_is_missing(self) -> None:
        for name in PRODUCTION:
            for value in ("", "  "):
                with self.subTest(name, value=value):
                    self.assert_refused(f"{name} is not set. Set it", **{name: value})

    def test_unset_is_refused_like_empty(self) -> None:
        for name in PRODUCTION:
            environ = {other: value for other, value in PRODUCTION.items() if other != name}
            with self.subTest(name), self.assertRaisesRegex(BadEnvironment, f"^{name} is not set"):
                read(environ)

    def test_debug_does_not_excuse_servers_and_secrets(self) -> None:
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "JWT_SIGNING_KEYS"):
            with self.subTest(name):
                self.assert_refused(f"{name} is not set", DEBUG="1", **{name: ""})

    def test_a_flag_that_is_neither(self) -> None:
        self.assert_refused("DEBUG is 'maybe'. Set it to 1 or 0.", DEBUG="maybe")
        self.assert_refused("HTTPS is '2'. Set it to 1 or 0.", HTTPS="2")

    def test_a_database_of_another_kind(self) -> None:
        self.assert_refused(
            "DATABASE_URL is not a PostgreSQL URL. Write it as", DATABASE_URL="mysql://h/books"
        )

    def test_a_database_url_that_cannot_be_read(self) -> None:
        for url in ("postgresql://[::1/books", "postgresql://h/books?colour=red"):
            with self.subTest(url):
                self.assert_refused("DATABASE_URL can't be read. Write it as", DATABASE_URL=url)

    def test_a_database_without_a_name(self) -> None:
        self.assert_refused("DATABASE_URL names no database.", DATABASE_URL="postgresql://h")

    def test_a_database_port_that_is_no_number(self) -> None:
        for port in ("main", "65536", "-1"):
            with self.subTest(port):
                url = f"postgresql://h:{port}/books"
                self.assert_refused("DATABASE_URL names no port by a number", DATABASE_URL=url)

    def test_a_cache_of_another_kind(self) -> None:
        self.assert_refused(
            "REDIS_URL starts with 'memcached'. Write redis://", REDIS_URL="memcached://h"
        )

    def test_a_cache_url_that_cannot_be_read(self) -> None:
        for url in ("redis://h:main/0", "redis://h:65536/0", "redis://[::1/0"):
            with self.subTest(url):
                self.assert_refused("REDIS_URL can't be read.", REDIS_URL=url)

    def test_a_part_of_a_password_is_never_shown(self) -> None:
        with self.assertRaises(BadEnvironment) as caught:
            read_with(REDIS_URL="redis://user:hunter/2@h:6379/0")
        self.assertNotIn("hunter", str(caught.exception))

    def test_short_keys(self) -> None:
        self.assert_refused("SECRET_KEY holds a key shorter than 32", SECRET_KEY="s" * 31)
        self.assert_refused("JWT_SIGNING_KEYS holds a key shorter", JWT_SIGNING_KEYS=f"{KEY},k")

    def test_keys_are_measured_in_bytes(self) -> None:
        self.assertEqual(read_with(SECRET_KEY="é" * 16).secret_key, "é" * 16)

    def test_no_key_among_the_commas(self) -> None:
        self.assert_refused("JWT_SIGNING_KEYS is not set", JWT_SIGNING_KEYS=" , ,")

    def test_the_same_key_twice(self) -> None:
        self.assert_refused("JWT_SIGNING_KEYS names a key twice", JWT_SIGNING_KEYS=f"{KEY},{KEY}")

    def test_a_signing_key_that_is_the_secret_key(self) -> None:
        self.assert_refused(
            "JWT_SIGNING_KEYS holds SECRET_KEY. Make a key of its own.",
            JWT_SIGNING_KEYS=f"{KEY},{SECRET}",
        )

    def test_any_host_in_production(self) -> None:
        self.assert_refused("ALLOWED_HOSTS is '*' with DEBUG off.", ALLOWED_HOSTS="a.example,*")

    def test_no_host_among_the_commas(self) -> None:
        self.assert_refused("ALLOWED_HOSTS is not set", ALLOWED_HOSTS=",")

    def test_an_origin_without_its_scheme(self) -> None:
        self.assert_refused(
            "Write it with its scheme: https://a.example.", CSRF_TRUSTED_ORIGINS="a.example"
        )

    def test_an_unknown_log_level(self) -> None:
        self.assert_refused("LOG_LEVEL is 'LOUD'. Set it to one of DEBUG,", LOG_LEVEL="loud")

    def test_a_rate_limit_that_is_no_number_of_requests(self) -> None:
        for text in ("fast", "-1", "1.5", "1e3", "1_200", "1200/m", "²", "٣", "1000000000"):
            with self.subTest(text):
                self.assert_refused(
                    f"RATE_LIMIT is {text!r}. Set it to the requests a minute that each token may"
                    " make, up to 999999999, or to 0 for no limit.",
                    RATE_LIMIT=text,
                )

    def test_keys_are_never_shown(self) -> None:
        with self.assertRaises(BadEnvironment) as caught:
            read_with(SECRET_KEY="swordfish")
        self.assertNotIn("swordfish", str(caught.exception))
