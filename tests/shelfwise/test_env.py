"""Each variable: what it becomes, and what is said when it is missing, wrong or contradictory."""

from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from django.test import SimpleTestCase

from shelfwise.env import BadEnvironment, Environment, Partner, read
from shelfwise.http.targets import read_target

SECRET = "s" * 32
KEY, OLD_KEY = "k" * 32, "o" * 32

PRODUCTION = {
    "DATABASE_URL": "postgresql://shelf:p%40ss@db.internal:5433/books?sslmode=require",
    "REDIS_URL": "redis://cache.internal:6379/0",
    "SECRET_KEY": SECRET,
    "JWT_SIGNING_KEYS": f"{KEY},{OLD_KEY}",
    "ALLOWED_HOSTS": "api.example.com",
}

PARTNERS = {
    "PAYMENT_URL": "https://pay.example/v1/",
    "PAYMENT_KEY": "a-key",
    "PAYMENT_WEBHOOK_SECRET": "whsec_" + b64encode(b"s" * 32).decode(),
    "SHIPPING_URL": "http://10.0.0.7:81",
    "SHIPPING_KEY": " b-key ",
    "SHIPPING_WEBHOOK_SECRET": "whsec_" + b64encode(b"s" * 32).decode(),
    "ISBN_URL": "https://openlibrary.org",
    "PRIVATE_TARGETS": "10.0.0.7:81, [::1]:65535, Books.Internal:443,",
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

    def test_a_port_for_the_figures_of_a_job_worker(self) -> None:
        self.assertIsNone(read_with(METRICS_PORT=" ").metrics_port)
        found = read_with(METRICS_PORT=" 9101 ", METRICS_TOKEN=KEY)
        self.assertEqual((found.metrics_port, found.metrics_token), (9101, KEY))

    def test_what_kind_of_process_it_is(self) -> None:
        found = [read_with(SHELFWISE_PROCESS=kind) for kind in ("web", "worker", "")]
        kinds = [(each.web, each.worker) for each in found]
        self.assertEqual(kinds, [(True, False), (False, True), (False, False)])

    def test_debug_needs_no_hosts_and_takes_some(self) -> None:
        bare = {**PRODUCTION, "DEBUG": "1", "ALLOWED_HOSTS": ""}
        self.assertEqual(read(bare).allowed_hosts, ["127.0.0.1", "localhost", "[::1]"])
        self.assertEqual(read_with(DEBUG="1", ALLOWED_HOSTS="*").allowed_hosts, ["*"])


class PartnersTests(SimpleTestCase):
    def test_none_unless_named(self) -> None:
        environment = read_with(PAYMENT_URL=" ", ISBN_URL="", PRIVATE_TARGETS=", ,")
        self.assertEqual((environment.payment, environment.shipping), (Partner(), Partner()))
        self.assertEqual((environment.isbn_url, environment.outbound_ca_file), ("", ""))
        self.assertEqual(environment.private_targets, ())

    def test_each_of_them(self) -> None:
        environment = read_with(**PARTNERS)
        secret = PARTNERS["PAYMENT_WEBHOOK_SECRET"]
        self.assertEqual(environment.payment, Partner("https://pay.example/v1", "a-key", secret))
        self.assertEqual(environment.shipping, Partner("http://10.0.0.7:81", "b-key", secret))
        self.assertEqual(environment.isbn_url, "https://openlibrary.org")
        targets = ("10.0.0.7:81", "[::1]:65535", "books.internal:443")
        self.assertEqual(environment.private_targets, targets)

    def test_an_authority_of_ones_own(self) -> None:
        path = str(Path(self.enterContext(TemporaryDirectory())) / "ca.pem")
        trustme.CA().cert_pem.write_to_path(path)
        self.assertEqual(read_with(OUTBOUND_CA_FILE=f" {path} ").outbound_ca_file, path)

    def test_http_to_a_private_target_with_the_usual_port(self) -> None:
        environment = read_with(ISBN_URL="http://10.0.0.7/isbn", PRIVATE_TARGETS="10.0.0.7:80")
        self.assertEqual(environment.isbn_url, "http://10.0.0.7/isbn")

    def test_every_url_that_is_taken_can_be_called(self) -> None:
        for url in (
            *("https://h", "https://H.example:8443/a/b", "https://xn--bcher-kva.example/%20"),
            *("https://127.0.0.1", "https://[::1]:8443", "https://[::ffff:1.2.3.4]", "https://1.h"),
        ):
            with self.subTest(url):
                self.assertEqual(read_with(ISBN_URL=url).isbn_url, url)
                read_target(url)

    def test_webhook_secrets_of_24_to_64_bytes(self) -> None:
        for length in (24, 32, 64):
            secret = "whsec_" + b64encode(b"s" * length).decode()
            found = read_with(**{**PARTNERS, "PAYMENT_WEBHOOK_SECRET": f" {secret} "})
            self.assertEqual(found.payment.webhook_secret, secret)


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

    def test_a_port_for_figures_that_is_none_or_for_nobody(self) -> None:
        for port in ("main", "0", "65536", "-1", "9101.0", "\u0661"):
            with self.subTest(port):
                says = f"METRICS_PORT is {port!r}. Set it to a port, 1 to 65535."
                self.assert_refused(says, METRICS_PORT=port, METRICS_TOKEN=KEY)
        self.assert_refused("METRICS_TOKEN is not. Set both", METRICS_PORT="9101")

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

    def test_a_part_of_a_partner(self) -> None:
        for partner in ("PAYMENT", "SHIPPING"):
            names = [f"{partner}_{part}" for part in ("URL", "KEY", "WEBHOOK_SECRET")]
            for name in names:
                with self.subTest(name):
                    message = f"{name} is not set, but others of {', '.join(names)} are. Set all"
                    self.assert_refused(message, **{**PARTNERS, name: " "})

    def test_a_partners_url_that_is_none(self) -> None:
        for url in (
            *("pay.example", "ftp://pay.example", "https://", "https://:443", "https://[::1"),
            *("https://h:0", "https://h:65536", "https://h:main", "https://h/?a=b"),
            *("https://h/#a", "https://user:hunter2@h", "https://user@h", "https://:hunter2@h"),
            *("https://h é", "https://clé.example", "https://h..example", "https://h/clé"),
            *("https://h/a b", "https://h/a\\b", "https://-h.example", f"https://{'h' * 64}"),
            *("https://127.1", "https://2130706433", "https://0x7f.0.0.1", "https://1.2.3.4.5"),
            *("https://[1.2.3.4]", "https://[::1::2]", "https://[::1%25eth0]"),
        ):
            for name in ("PAYMENT_URL", "ISBN_URL"):
                with self.subTest(url):
                    message = f"{name} can't be used. Write it as https://host/path"
                    self.assert_refused(message, **{**PARTNERS, name: url})

    def test_a_partner_that_is_not_asked_in_secret(self) -> None:
        for targets in ("", "10.0.0.7:82", "10.0.0.8:81"):
            with self.subTest(targets):
                message = "SHIPPING_URL is not encrypted. Write https, or name 10.0.0.7:81 in"
                self.assert_refused(message, **{**PARTNERS, "PRIVATE_TARGETS": targets})
        self.assert_refused("ISBN_URL is not encrypted.", ISBN_URL="HTTP://openlibrary.org")

    def test_a_webhook_secret_that_is_none(self) -> None:
        for secret in (
            *("secret", "whsec_", "whsec_c2hvcnQ=", "whsec_" + "?" * 40, "whsec_é"),
            *(b64encode(b"s" * 32).decode(), "whsec_" + b64encode(b"s" * 65).decode()),
        ):
            with self.subTest(secret):
                message = "SHIPPING_WEBHOOK_SECRET is no secret of Standard Webhooks."
                self.assert_refused(message, **{**PARTNERS, "SHIPPING_WEBHOOK_SECRET": secret})

    def test_an_authority_that_is_not_there_or_none(self) -> None:
        for path in ("/nonexistent.pem", "/", __file__):
            with self.subTest(path):
                message = "OUTBOUND_CA_FILE can't be read. Name a file"
                self.assert_refused(message, OUTBOUND_CA_FILE=path)

    def test_a_key_that_no_header_can_carry(self) -> None:
        for key in ("clé", "a\nb"):
            with self.subTest(key):
                message = "PAYMENT_KEY can't stand in a header."
                self.assert_refused(message, **{**PARTNERS, "PAYMENT_KEY": key})

    def test_a_private_target_that_is_none(self) -> None:
        for target in (
            *("10.0.0.7", ":80", "h:", "h:0", "h:65536", "h:main", "h:²"),
            *("https://h:443", "10.0.0.0/8:443", "*:443", "::1:443", "h:0443"),
            *("127.1:443", "[::1::2]:443", "[1.2.3.4]:443"),
        ):
            with self.subTest(target):
                message = f"PRIVATE_TARGETS holds {target!r}. Write each as host:port"
                self.assert_refused(message, PRIVATE_TARGETS=f"a:1, {target}")

    def test_keys_are_never_shown(self) -> None:
        for name in ("SECRET_KEY", "PAYMENT_WEBHOOK_SECRET"):
            with self.assertRaises(BadEnvironment) as caught:
                read_with(**{**PARTNERS, name: "swordfish"})
            self.assertNotIn("swordfish", str(caught.exception))
