"""What each kind of command finds running, and what is left when it ends."""

import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict

from shelfwise.devservers.environment import _PARTNERS
from shelfwise.devservers.leftovers import _arguments_of
from shelfwise.devservers.partners import Partners
from shelfwise.env import Partner, read
from tests import server
from tests.shelfwise.devservers.manager import Manager, processes_in, wait_until_empty


def answers(environment: dict[str, str]) -> bool:
    """Whether both servers of that environment serve."""
    with psycopg.connect(environment["DATABASE_URL"], connect_timeout=5) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
    client = redis.Redis.from_url(environment["REDIS_URL"], socket_timeout=5)
    return row == ("shelfwise",) and bool(client.ping())


def sockets_of(environment: dict[str, str]) -> Path:
    """The folder of PostgreSQL's socket, which stands in that of the servers."""
    return Path(str(conninfo_to_dict(environment["DATABASE_URL"])["host"]))


def free_port() -> str:
    """A port nobody listens on, as a variable has it."""
    return str(server.free_port())


def partners_in(environment: dict[str, str]) -> dict[str, str]:
    """The variables that name them."""
    return {name: environment[name] for name in _PARTNERS if name in environment}


def stand_ins(environment: dict[str, str]) -> Partners:
    """Those that the environment names."""
    http, https = (int(each.split(":")[1]) for each in environment["PRIVATE_TARGETS"].split(","))
    return Partners(http, https, Path(environment["OUTBOUND_CA_FILE"]), {})


def setUpModule() -> None:
    """Makes the data folder that most tests share: a new cluster takes more than a second."""
    parent = Path(unittest.enterModuleContext(tempfile.TemporaryDirectory())).resolve()
    parent.chmod(0o711)  # so that the servers' user gets there
    DataFolderCase.data = parent / "data"
    DataFolderCase.env = {"SHELFWISE_DATA_DIR": str(parent / "data"), "PORT": free_port()}
    with Manager("demo", env=DataFolderCase.env) as demo:
        demo.environment()


class DataFolderCase(unittest.TestCase):
    """`data` was made by an earlier demo, for all these tests; `new` does not exist yet."""

    data: Path
    env: dict[str, str]

    def setUp(self) -> None:
        self.new = Path(tempfile.mkdtemp(dir=self.data.parent)) / "new"
        self.new.parent.chmod(0o711)
        self.in_new = {**self.env, "SHELFWISE_DATA_DIR": str(self.new)}


class DemoTests(DataFolderCase):
    def test_serves_until_its_end_and_leaves_no_process(self) -> None:
        with Manager("demo", env=self.env) as demo:
            found = demo.environment()
            self.assertTrue(answers(found))
            self.assertEqual(demo.end(), (0, ""))
        self.assertEqual(processes_in(self.data), set())
        self.assertEqual(found["HTTPS"], "off")
        self.assertEqual(found["ALLOWED_HOSTS"], "127.0.0.1,localhost,[::1]")

    def test_keeps_data_and_secrets(self) -> None:
        with Manager("demo", env=self.env) as demo:
            first = demo.environment()
            with psycopg.connect(first["DATABASE_URL"]) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        with Manager("demo", env=self.env) as demo:
            second = demo.environment()
            with psycopg.connect(second["DATABASE_URL"]) as connection:
                self.assertEqual(connection.execute("SELECT n FROM kept").fetchone(), (7,))
        for name in ("SECRET_KEY", "JWT_SIGNING_KEYS"):
            self.assertEqual(first[name], second[name])
            self.assertGreaterEqual(len(first[name]), 32)
            self.assertEqual(stat.S_IMODE((self.data / "secrets" / name).stat().st_mode), 0o600)

    def test_each_signal_stops_everything(self) -> None:
        for signum in (signal.SIGINT, signal.SIGHUP):
            with self.subTest(signum.name), Manager("demo", env=self.env) as demo:
                demo.environment()
                self.assertEqual(demo.stop(signum), (128 + signum, ""))
                self.assertEqual(processes_in(self.data), set())

    def test_signal_at_any_moment_of_the_first_start(self) -> None:
        for delay in (0.1, 0.6, 1.2):
            with self.subTest(delay=delay), Manager("demo", env=self.in_new) as demo:
                time.sleep(delay)
                demo.stop(signal.SIGTERM)
                self.assertEqual(processes_in(self.new), set())

    def test_killed_leaves_no_process(self) -> None:
        with Manager("demo", env=self.env) as demo:
            demo.environment()
            self.assertGreater(len(processes_in(self.data)), 2)
            demo.stop(signal.SIGKILL)
        self.assertEqual(wait_until_empty(self.data), set())

    def test_killed_while_making_the_cluster(self) -> None:
        with Manager("demo", env=self.in_new) as demo:
            while not (self.new / "servers/postgresql.new/PG_VERSION").exists():
                self.assertIsNone(demo.process.poll())
                time.sleep(0.005)
            demo.stop(signal.SIGKILL)
        self.assertEqual(wait_until_empty(self.new), set())
        self.assertFalse((self.new / "servers/postgresql").exists())
        with Manager("demo", env=self.in_new) as demo:
            self.assertTrue(answers(demo.environment()))

    def test_second_one_is_refused_and_changes_nothing(self) -> None:
        with Manager("demo", env=self.env) as first:
            first.environment()
            lock, running = (self.data / "lock").read_text(), processes_in(self.data)
            with Manager("demo", env={**self.env, "PORT": free_port()}) as second:
                status, errors = second.outcome()
            self.assertEqual((status, errors.count("\n")), (1, 1))
            self.assertIn(f"pid {first.process.pid}, http://127.0.0.1:{self.env['PORT']}", errors)
            self.assertEqual((self.data / "lock").read_text(), lock)
            self.assertEqual(processes_in(self.data), running)

    def test_taken_port_is_refused_before_anything_starts(self) -> None:
        taken = ("127.0.0.1", int(self.env["PORT"]))
        with socket.create_server(taken), Manager("demo", env=self.in_new) as demo:
            status, errors = demo.outcome()
        self.assertEqual((status, errors.count("\n")), (1, 1))
        self.assertIn(self.env["PORT"], errors)
        self.assertFalse((self.new / "servers").exists())

    def test_wrong_port_is_refused(self) -> None:
        for port in ("http", "0", "65536", "-1"):
            with self.subTest(port), Manager("demo", env={**self.in_new, "PORT": port}) as demo:
                status, errors = demo.outcome()
                self.assertEqual((status, errors.count("\n")), (1, 1))
                self.assertIn(repr(port), errors)

    def test_partners_that_stand_in(self) -> None:
        with Manager("demo", env=self.env) as demo:
            first = demo.environment()
            self.assertEqual(stand_ins(first).control.ledger("isbn"), {"asked": {}})
            with urllib.request.urlopen(
                f"{first['ISBN_URL']}/api/books",
                context=ssl.create_default_context(cafile=first["OUTBOUND_CA_FILE"]),
            ) as answer:
                self.assertEqual(answer.read(), b"{}")
            asked = _arguments_of(int((self.data / "partners/partners.pid").read_text()))
            port = int(self.env["PORT"])  # those beside it may be taken by somebody else
            self.assertIn(f" --http {port + 1} --https {port + 2} ", asked)
        with Manager("demo", env=self.env) as demo:
            second = demo.environment()
        self.assertTrue(read(first).payment.url)
        for name in ("PAYMENT_KEY", "PAYMENT_WEBHOOK_SECRET", "SHIPPING_KEY"):
            self.assertEqual(first[name], second[name])
            self.assertEqual(stat.S_IMODE((self.data / "secrets" / name).stat().st_mode), 0o600)

    def test_partners_of_its_own_leave_no_stand_in(self) -> None:
        given = {"ISBN_URL": "https://isbn.example.com"}
        shutil.rmtree(self.data / "partners")
        with Manager("demo", env={**self.env, **given}) as demo:
            found = read(demo.environment())
        self.assertFalse((self.data / "partners").exists())
        self.assertEqual((found.isbn_url, found.payment), (given["ISBN_URL"], Partner()))
        self.assertEqual((found.outbound_ca_file, found.private_targets), ("", ()))

    def test_taken_ports_of_the_stand_ins_are_replaced(self) -> None:
        port = int(self.env["PORT"])
        with (
            socket.create_server(("127.0.0.1", port + 1)),
            Manager("demo", env=self.env) as demo,
        ):
            partners = stand_ins(demo.environment())
            self.assertNotEqual(partners.http_port, port + 1)
            self.assertEqual(partners.control.connections()["requests"], {})

    def test_given_values_win(self) -> None:
        given = {"DATABASE_URL": "postgresql://theirs", "SECRET_KEY": "theirs", "HTTPS": "on"}
        with Manager("demo", env={**self.in_new, **given}) as demo:
            found = demo.environment()
        self.assertEqual({name: found[name] for name in given}, given)
        self.assertFalse((self.new / "servers/postgresql").exists())
        self.assertFalse((self.new / "secrets/SECRET_KEY").exists())


class CommandTests(DataFolderCase):
    def test_uses_the_servers_of_a_running_demo(self) -> None:
        with Manager("demo", env=self.env) as demo:
            theirs = demo.environment()
            before = processes_in(self.data)
            with Manager("shell", env=self.env) as shell:
                ours = shell.environment()
                self.assertEqual(processes_in(self.data), before)
                self.assertEqual(shell.end(), (0, ""))
            self.assertTrue(answers(theirs))
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "JWT_SIGNING_KEYS"):
            self.assertEqual(ours[name], theirs[name])
        self.assertEqual({name: ours[name] for name in _PARTNERS}, partners_in(theirs))

    def test_its_own_partner_goes_with_none_of_the_demos(self) -> None:
        given = {"ISBN_URL": "https://isbn.example.com"}
        with Manager("demo", env=self.env) as demo:
            demo.environment()
            with Manager("shell", env={**self.env, **given}) as shell:
                self.assertEqual(partners_in(shell.environment()), given)

    def test_without_a_demo_there_are_no_partners(self) -> None:
        with Manager("shell", env=self.env) as shell:
            self.assertEqual(partners_in(shell.environment()), {})

    def test_starts_servers_of_its_own_and_the_next_command_waits(self) -> None:
        with Manager("migrate", env=self.env) as first:
            self.assertTrue(answers(first.environment()))
            with Manager("shell", env=self.env) as second:
                time.sleep(0.5)
                self.assertIsNone(second.process.poll())
                first.end()
                self.assertTrue(answers(second.environment()))
        self.assertEqual(processes_in(self.data), set())

    def test_what_needs_no_database_starts_none(self) -> None:
        for argv in (["check"], ["migrate", "--help"], ["help"], []):
            with self.subTest(argv), Manager(*argv, env=self.env) as command:
                self.assertIn("DATABASE_URL", command.environment())
                self.assertEqual(processes_in(self.data), set())

    def test_without_data_folder_nothing_is_set_or_made(self) -> None:
        with Manager("migrate", env=self.in_new) as command:
            self.assertNotIn("DATABASE_URL", command.environment())
        self.assertFalse(self.new.exists())

    def test_both_addresses_given_load_no_server_module(self) -> None:
        given = {"DATABASE_URL": "postgresql://theirs", "REDIS_URL": "redis://theirs"}
        loaded = "import atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
        with Manager("migrate", env={**self.env, **given}, before=loaded) as command:
            self.assertNotIn("SECRET_KEY", command.environment())
            _, modules = command.end()
        self.assertNotIn("psycopg", modules.split())
        self.assertNotIn("shelfwise.devservers.postgres", modules.split())
        self.assertNotIn("shelfwise.devservers.partners", modules.split())


class TestCommandTests(unittest.TestCase):
    def test_two_at_once_have_servers_and_folders_of_their_own(self) -> None:
        # As root the servers' user can't enter this one, and they live elsewhere.
        temp = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        env = {"TMPDIR": str(temp), "SHELFWISE_DATA_DIR": str(temp / "data")}
        env["ISBN_URL"] = "https://isbn.example.com"
        with Manager("test", env=env) as one, Manager("test", env=env) as other:
            found = [one.environment(), other.environment()]
            self.assertTrue(all(answers(environment) for environment in found))
            self.assertEqual([environment["ISBN_URL"] for environment in found], ["", ""])
            sockets = {sockets_of(environment) for environment in found}
            self.assertEqual((len(sockets), (temp / "data").exists()), (2, False))
        self.assertEqual(os.listdir(temp), [])
        for folder in sockets:
            self.assertEqual((folder.parent.exists(), processes_in(folder.parent)), (False, set()))


class LeftoverTests(DataFolderCase):
    """Where the kernel ends no orphans, the next start does."""

    ORPHANED = (
        "from shelfwise.devservers import processes; processes._death_signal = lambda _: None"
    )

    def test_orphans_are_stopped_by_the_next_start(self) -> None:
        with Manager("demo", env=self.env, before=self.ORPHANED) as demo:
            demo.environment()
            demo.stop(signal.SIGKILL)
        orphans = processes_in(self.data)
        self.assertGreater(len(orphans), 2)
        with Manager("demo", env=self.env) as demo:
            self.assertTrue(answers(demo.environment()))
            self.assertEqual(orphans & processes_in(self.data), set())
        self.assertEqual(processes_in(self.data), set())

    def test_pid_of_a_stranger_neither_stops_the_start_nor_is_stopped(self) -> None:
        cluster = self.data / "servers/postgresql"
        owner = cluster.stat()
        user = owner.st_uid if os.geteuid() == 0 else None  # whose processes the server may see
        stranger = subprocess.Popen(["/bin/sleep", "60"], cwd="/", user=user)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        for pid_file in (cluster / "postmaster.pid", self.data / "valkey.pid"):
            pid_file.write_text(f"{stranger.pid}\n")
        with Manager("demo", env=self.env) as demo:
            self.assertTrue(answers(demo.environment()))
        self.assertIsNone(stranger.poll())

    def test_pid_of_nobody_does_not_stop_the_start(self) -> None:
        with subprocess.Popen(["/bin/true"]) as gone:
            pass
        (self.data / "servers/postgresql/postmaster.pid").write_text(f"{gone.pid}\n{self.data}\n")
        with Manager("demo", env=self.env) as demo:
            self.assertTrue(answers(demo.environment()))

    def test_lock_of_a_killed_demo_is_free(self) -> None:
        stale = {"pid": 1, "command": "demo", "started": "", "url": "", "urls": {}}
        (self.data / "lock").write_text(json.dumps(stale))
        with Manager("migrate", env=self.env) as command:
            self.assertTrue(answers(command.environment()))
