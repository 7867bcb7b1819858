"""All logins of this machine: where they are, which of them can be used, and which one is.

    the environment (LINGMA_COSY_KEY, …)
    a login that `lingma-proxy login import` has put away
    the caches of the IDE in all known places, in order

`auto` takes the first of these, `newest` the one that was written last, `longest` the one that
ends last; one that has ended comes after all others.  Who names a folder or a credential file
gets that one, whatever it is.

Everything here looks at the disk: use a thread.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from lingma_proxy.backends.disk import glance, newest_files, read, stamp
from lingma_proxy.vendor.credentials import (
    Credentials,
    read_cache,
    read_credential_file,
    read_environment,
)
from lingma_proxy.vendor.lasting import Kind, ended
from lingma_proxy.vendor.places import (
    LOG_FILES,
    Machine,
    System,
    is_log,
    log_roots,
    login_files,
    machine_ids_from_text,
    own_login,
    runtimes,
    shown,
)

SYSTEMS: dict[str, System] = {"win32": "windows", "darwin": "darwin"}
POLICIES = ("auto", "newest", "longest")
RESCAN = 300.0
"""Seconds before the logs of a runtime are searched again for its machine id."""
NEWEST_FOLDERS = 5
NEWEST_LOGS = 24


def here(environment: Mapping[str, str] | None = None, home: Path | None = None) -> Machine:
    """The machine that we run on."""
    return Machine(
        SYSTEMS.get(sys.platform, "linux"),
        home or _home(),
        dict(os.environ if environment is None else environment),
    )


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a container whose user has no name
        return Path(os.sep)


@dataclass(frozen=True, slots=True)
class Found:
    """One place that has a login in it, or had one."""

    place: str
    """For people, without the home's own path."""
    kind: Kind
    path: Path | None = None
    """The folder of the IDE or the file; None for the environment."""
    credentials: Credentials | None = None
    """None: it cannot be used."""
    problem: str = ""
    """Why it cannot be used, as a clause; "" if it can."""
    written_at: float | None = None
    """When it was written, in Unix seconds."""

    @property
    def expires_at(self) -> float | None:
        """When it ends, in Unix seconds; None: it does not say."""
        if self.credentials is None or self.credentials.expires_at is None:
            return None
        return self.credentials.expires_at / 1000

    @property
    def file(self) -> Path | None:
        """The file that holds what signs."""
        return self.path / "cache/user" if self.path and self.kind == "cache" else self.path


@dataclass(frozen=True, slots=True)
class Choice:
    used: Found | None
    why: str
    """A clause: "it is the only one"."""


def choose(found: Sequence[Found], policy: str, now: float) -> Choice:
    """The login to use, of those that were found, in the order of preference."""
    usable = [each for each in found if each.credentials is not None]
    # The environment goes before all for as long as it is set: it was set for this run.
    if found and found[0].kind == "environment":
        return Choice(found[0] if usable[:1] == [found[0]] else None, "the environment has it")
    if not usable:
        return Choice(None, "none can be used")
    lasting = [each for each in usable if not ended(each.expires_at, now)]
    among = lasting or usable
    if policy == "newest":
        used, why = max(among, key=lambda each: each.written_at or 0), "it was written last"
    elif policy == "longest":
        used, why = max(among, key=lambda each: each.expires_at or 0), "it ends last"
    else:
        used, why = among[0], "it is in the first place that has one"
    if not usable[1:]:
        return Choice(
            used, "it is the only one that can be used" if found[1:] else "it is the only one"
        )
    if lasting == usable:
        return Choice(used, why)
    return Choice(
        used, why + (" of those that have not ended" if lasting else ", and all have ended")
    )


class Logins:
    """The logins of a machine.  It remembers the machine ids that took a search to find."""

    def __init__(self, machine: Machine, now: Callable[[], float]) -> None:
        self.machine = machine
        self._now = now
        self._machine_ids: dict[Path, tuple[float, str]] = {}

    def everywhere(self) -> list[Found]:
        """Every login in all known places, in the order of preference."""
        found = [self._in_environment(), self._imported()]
        found += [self._cache(Path(runtime)) for runtime in runtimes(self.machine)]
        return [each for each in found if each is not None]

    def at(self, path: Path) -> list[Found]:
        """The login in a folder or a credential file that somebody has named: one, or none."""
        if _is_file(path):
            return [self._in_file(path, "file")]
        found = (self._cache(runtime) for runtime in _folders(path))
        return [each for each in found if each is not None][:1]

    def watched(self, path: Path | None) -> tuple[PurePath, ...]:
        """The files whose change may be another login: of all places, or of the one named."""
        if path is None:
            return (own_login(self.machine), *_files(runtimes(self.machine)))
        return (path, *_files(_folders(path)))

    def _in_environment(self) -> Found | None:
        place = "the environment"
        try:
            credentials = read_environment(self.machine.environment)
        except ValueError as error:
            return Found(place, "environment", problem=str(error))
        if credentials is None:
            return None
        return Found(place, "environment", credentials=credentials)

    def _imported(self) -> Found | None:
        file = Path(own_login(self.machine))
        return None if stamp(file) is None else self._in_file(file, "imported")

    def _in_file(self, file: Path, kind: Kind) -> Found:
        place = shown(self.machine, file)
        try:
            credentials = read_credential_file(read(file), source=place)
        except ValueError as error:
            return Found(place, kind, file, problem=str(error))
        return Found(place, kind, file, credentials, written_at=_written(file))

    def _cache(self, runtime: Path) -> Found | None:
        user = runtime / "cache/user"
        if stamp(user) is None:
            return None
        place = shown(self.machine, runtime)
        try:
            credentials = self._read_runtime(runtime, place)
        except ValueError as error:
            return Found(place, "cache", runtime, problem=str(error))
        return Found(place, "cache", runtime, credentials, written_at=_written(user))

    def _read_runtime(self, runtime: Path, place: str) -> Credentials:
        """The login below one runtime.  Raises ValueError with a clause."""
        user = read(runtime / "cache/user")
        problem: ValueError | None = None
        for id in self._ids(runtime):
            try:
                credentials = read_cache(id, user, source=place)
            except ValueError as error:
                problem = problem or error
            else:
                self._machine_ids[runtime] = self._now(), id
                return credentials
        raise problem or ValueError("its machine id is missing, and no log names it")

    def _ids(self, runtime: Path) -> Iterator[str]:
        """What the machine id may be; the logs are searched only if no file says it."""
        written = False
        for file in ("cache/id", "cli/.auth/id"):
            with suppress(ValueError):
                if id := read(runtime / file).strip():
                    written = True
                    yield id
        if written:
            return
        scanned, remembered = self._machine_ids.get(runtime, (-RESCAN, ""))
        if remembered:
            yield remembered
        if abs(self._now() - scanned) < RESCAN:
            return
        self._machine_ids[runtime] = self._now(), remembered
        tried = {remembered}
        for log in self._logs(runtime):
            for id in machine_ids_from_text(glance(log)):
                if id not in tried:
                    tried.add(id)
                    yield id

    def _logs(self, runtime: Path) -> Iterator[PurePath]:
        own = [runtime / "logs" / name for name in LOG_FILES]
        yield from own
        yield from newest_files(runtime / "logs", folders=NEWEST_FOLDERS, files=NEWEST_LOGS)
        for root in log_roots(self.machine):
            yield from newest_logs(root)


def _files(folders: Sequence[PurePath]) -> Iterator[PurePath]:
    for folder in folders:
        yield from login_files(folder)


def newest_logs(root: PurePath) -> list[Path]:
    files = newest_files(root, folders=NEWEST_FOLDERS, files=500)
    return [file for file in files if is_log(file.name)][:NEWEST_LOGS]


def open_to_others(file: Path) -> bool:
    """Whether other users of this machine can read a file, and come to where it is."""
    if os.name != "posix":
        return False
    try:
        mode = file.stat().st_mode
        ways = [folder.stat().st_mode for folder in file.resolve().parents]
    except OSError:
        return False
    return any(
        mode & may_read and all(way & may_pass for way in ways)
        for may_read, may_pass in ((stat.S_IRGRP, stat.S_IXGRP), (stat.S_IROTH, stat.S_IXOTH))
    )


def _is_file(path: Path) -> bool:
    """Whether a path means a credential file.  One that is not there may still be written."""
    with suppress(OSError, ValueError):
        if path.is_dir() or (path.name == "user" and path.parent.name == "cache"):
            return False
        return path.exists() or bool(path.suffix)
    return True


def _folders(path: Path) -> list[Path]:
    """The runtime folders that a path may mean: people also name what is inside of one."""
    if path.name == "cache":
        return [path, path.parent]
    if path.name == "user" and path.parent.name == "cache":
        return [path.parent.parent]
    return [path]


def _written(file: Path) -> float | None:
    found = stamp(file)
    return None if found is None else found[0] / 1e9
