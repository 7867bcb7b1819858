"""Find the login, keep it in memory, and notice when it changes.

    a credential file that the settings name
    else the cache in a folder that the settings name
    else the environment (LINGMA_COSY_KEY, …)
    else the caches in all known places, in order; one that has not expired goes first

Nothing is read on the hot path.  A background task looks at the times of the files once a
second and reads again when one changed; a file that is half written leaves the last good
login in place.
"""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from lingma_proxy.backends.disk import Stamp, glance, newest_files, read, stamp, stamps
from lingma_proxy.errors import NotLoggedIn, SettingsError
from lingma_proxy.vendor.credentials import (
    Credentials,
    read_cache,
    read_credential_file,
    read_environment,
)
from lingma_proxy.vendor.places import (
    INTERNATIONAL,
    LOG_FILES,
    Machine,
    System,
    base_url_from_file,
    base_url_from_text,
    chosen_url,
    hint_files,
    is_log,
    log_roots,
    login_files,
    machine_ids_from_text,
    region_url,
    runtimes,
    shown,
)

SYSTEMS: dict[str, System] = {"win32": "windows", "darwin": "darwin"}
POLL = 1.0
"""Seconds between two looks at the files."""
RESCAN = 300.0
"""Seconds before the logs of a runtime are searched again for its machine id."""
LOGINS_REMEMBERED = 4
"""How many logins ago a secret may be and still turn up in an answer to a request."""
SHORTEST = 8
"""Characters of a value that is worth hiding; a real user id has about sixteen."""
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


def _path(text: str | Path) -> Path | None:
    """The path that a setting names; None for an empty one."""
    if not str(text).strip():
        return None
    with suppress(RuntimeError):  # `~somebody` whom the system does not know
        return Path(text).expanduser()
    return Path(text)


@dataclass(frozen=True, slots=True)
class Looked:
    """One place that was looked into and had something in it."""

    place: str
    """For people, without the home's own path."""
    problem: str = ""
    """Why it cannot be used, as a clause; "" if it can."""
    expires_at: int | None = None
    """Milliseconds, of a login that can be used."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one look at everything has brought."""

    credentials: Credentials | None
    runtime: Path | None
    looked: tuple[Looked, ...]
    message: str = ""
    """What to say while there is no login."""
    damaged: bool = False
    """The place of the login in use cannot be read now: a file that is half written."""


class Login:
    """The login of this machine, as it is now.

    `file` and `cache_dir` are the settings' and may be ""; `now` is Unix time in seconds.
    """

    def __init__(
        self,
        *,
        file: str | Path = "",
        cache_dir: str | Path = "",
        machine: Machine | None = None,
        poll: float = POLL,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.machine = here() if machine is None else machine
        self.runtime: Path | None = None
        """The folder that the login is from; None for one from a file or the environment."""
        self.looked: tuple[Looked, ...] = ()
        """Every place that had something in it, in the order of preference."""
        self.looks = 0
        """How often everything has been looked at."""
        self._file = _path(file)
        self._folder = _path(cache_dir)
        self._poll = poll
        self._now = now
        self._credentials: Credentials | None = None
        self._had: deque[Credentials] = deque(maxlen=LOGINS_REMEMBERED)
        self._message = "The login has not been looked for yet."
        self._stamps: tuple[Stamp, ...] = ()
        self._machine_ids: dict[Path, tuple[float, str]] = {}
        self._reloading: asyncio.Task[bool] | None = None
        self._watching: asyncio.Task[None] | None = None

    def current(self) -> Credentials:
        """The login, from memory.  Raises NotLoggedIn with what to do."""
        if self._credentials is None:
            raise NotLoggedIn(self._message)
        return self._credentials

    @property
    def expires_at(self) -> float | None:
        """When the login ends, in Unix seconds; None if there is none or it does not say."""
        login = self._credentials
        return None if login is None or login.expires_at is None else login.expires_at / 1000

    def secrets(self) -> tuple[str, ...]:
        """What must never be written anywhere: of this login, and of those just before it.

        What is shorter than any real value is left out: it would be found in every other word.
        """
        every = (each for login in self._had for each in login.secrets if len(each) >= SHORTEST)
        return tuple(dict.fromkeys(every))

    async def ready(self) -> Credentials:
        """The login; waits for the first look, and for nothing after it.  Raises NotLoggedIn."""
        if not self.looks:
            await self.reload()
        return self.current()

    def load(self) -> None:
        """Look now, in this thread: for commands that have nothing else to do."""
        self._adopt(*self._look())

    async def reload(self) -> bool:
        """Look again, in a thread; who asks meanwhile waits for the same look.

        True if the login could be read: it need not be another one.
        """
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload(), name="read the login")
        return await asyncio.shield(self._reloading)

    def start(self) -> None:
        """Begin to watch.  A loop must run; safe to call twice."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="watch the login")

    async def aclose(self) -> None:
        tasks = [task for task in (self._watching, self._reloading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _reload(self) -> bool:
        return self._adopt(*await asyncio.to_thread(self._look))

    async def _watch(self) -> None:
        if not self.looks:
            await self.reload()
        gone = False
        while True:
            await asyncio.sleep(self._poll)
            seen = await asyncio.to_thread(stamps, self._watched())
            if seen == self._stamps:
                gone = False
            elif any(self._stamps) and not any(seen) and not gone:
                gone = True  # who replaces a file may first take it away: look once more
            else:
                gone = False
                await self.reload()

    def _adopt(self, seen: tuple[Stamp, ...], reading: _Reading) -> bool:
        self.looks += 1
        self._stamps = seen
        self.looked = reading.looked
        self._message = reading.message
        if not reading.damaged:
            self._credentials, self.runtime = reading.credentials, reading.runtime
            if self._credentials is not None and self._credentials not in self._had:
                self._had.appendleft(self._credentials)
        return reading.credentials is not None

    def _watched(self) -> tuple[PurePath, ...]:
        if self._file is not None:
            return (self._file,)
        return tuple(file for runtime in self._runtimes() for file in login_files(runtime))

    def _runtimes(self) -> tuple[PurePath, ...]:
        if self._folder is None:
            return runtimes(self.machine)
        # People also name the inner folder, the one that holds `user`.
        return (self._folder, *([self._folder.parent] if self._folder.name == "cache" else []))

    def _look(self) -> tuple[tuple[Stamp, ...], _Reading]:
        """The times first, so that what changes while we read is read again."""
        return stamps(self._watched()), self._read()

    def _read(self) -> _Reading:
        if self._file is not None:
            return self._read_file(self._file)
        if self._folder is None:
            try:
                credentials = read_environment(self.machine.environment)
            except ValueError as error:
                looked = Looked("the environment", str(error))
                return _Reading(None, None, (looked,), _unusable(looked))
            if credentials is not None:
                looked = Looked("the environment", expires_at=credentials.expires_at)
                return _Reading(credentials, None, (looked,))
        return self._read_caches()

    def _read_file(self, file: Path) -> _Reading:
        place = shown(self.machine, file)
        try:
            credentials = read_credential_file(read(file), source=place)
        except ValueError as error:
            looked = Looked(place, str(error))
            message = (
                f"The credential file {place} cannot be used: {error}. Export it again, or clear "
                "the setting remote_auth_file to use the login that the IDE keeps."
            )
            return _Reading(None, None, (looked,), message, damaged=stamp(file) is not None)
        return _Reading(credentials, None, (Looked(place, "", credentials.expires_at),))

    def _read_caches(self) -> _Reading:
        looked: list[Looked] = []
        found: list[tuple[Path, Credentials]] = []
        for each in self._runtimes():
            runtime = Path(each)
            place = shown(self.machine, runtime)
            if stamp(runtime / "cache/user") is None:
                continue
            try:
                credentials = self._read_runtime(runtime, place)
            except ValueError as error:
                looked.append(Looked(place, str(error)))
                if runtime == self.runtime:  # half written: not the moment to change identities
                    message = _unusable(looked[-1])
                    return _Reading(None, None, tuple(looked), message, damaged=True)
            else:
                looked.append(Looked(place, "", credentials.expires_at))
                found.append((runtime, credentials))
        if not found:
            return _Reading(None, None, tuple(looked), self._nothing(looked))
        valid = [each for each in found if not each[1].expired(self._now())]
        runtime, credentials = (valid or found)[0]
        return _Reading(credentials, runtime, tuple(looked))

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
            yield from _newest_logs(root)

    def _nothing(self, looked: list[Looked]) -> str:
        if looked:
            return _unusable(looked[0])
        if self._folder is not None:
            return (
                f"There is no Lingma login in {shown(self.machine, self._folder)}. Set cache_dir "
                "(LINGMA_CACHE_DIR) to the folder that holds `cache/user`, or leave it empty."
            )
        places = len(self._runtimes())
        return (
            "No Lingma login was found. Log in to Lingma (or Qoder CN) in your IDE, or name a "
            f"credential file with remote_auth_file. {places} places were looked into, such as "
            "~/.lingma and ~/.qodercn."
        )


def _unusable(looked: Looked) -> str:
    return (
        f"The Lingma login in {looked.place} cannot be used: {looked.problem}. Log in again in "
        "the IDE (Lingma or Qoder CN); the new login is picked up by itself."
    )


def _newest_logs(root: PurePath) -> list[Path]:
    files = newest_files(root, folders=NEWEST_FOLDERS, files=500)
    return [file for file in files if is_log(file.name)][:NEWEST_LOGS]


def detect_base_url(
    explicit: str, machine: Machine, runtime: PurePath | None = None
) -> tuple[str, str]:
    """The base URL of the API, and where it came from in words.  Reads files: use a thread.

    What the user has set stands.  Else the vendor's own files are asked, those of `runtime`
    first; what they say counts only if it is one of the vendor's hosts.  Raises SettingsError.
    """
    if explicit.strip():
        try:
            return chosen_url(explicit), "the settings"
        except ValueError as error:
            raise SettingsError(f"remote_base_url: {error}.") from None
    for file in hint_files(machine, runtime):
        if base := base_url_from_file(glance(file)):
            return base, shown(machine, file)
    for root in log_roots(machine):
        for file in _newest_logs(root):
            if base := base_url_from_text(glance(file)):
                return base, shown(machine, file)
    for folder in [runtime] if runtime is not None else runtimes(machine):
        file = folder / "cache/cache.json"
        if base := region_url(glance(file)):
            return base, f"the region in {shown(machine, file)}"
    return INTERNATIONAL, "the default"


class BaseUrl:
    """The base URL, looked for in a thread, and remembered while the login is the same."""

    def __init__(self, explicit: str, login: Login) -> None:
        self._explicit = explicit
        self._login = login
        self.known = ""
        """The base URL; "" until somebody has asked for it."""
        self.origin = ""
        """Where it came from, in words."""
        self._runtime: Path | None = None
        self._detecting: asyncio.Task[tuple[str, str]] | None = None

    async def __call__(self) -> str:
        if self._runtime != self._login.runtime:
            self._runtime, self._detecting = self._login.runtime, None
            self.known = ""
        if not self.known:
            if self._detecting is None or self._detecting.done():
                self._detecting = asyncio.create_task(self._detect(), name="find the base URL")
            self.known, self.origin = await asyncio.shield(self._detecting)
        return self.known

    def forget(self) -> None:
        """It was wrong, or may be now: look again when it is needed."""
        self.known = ""

    async def _detect(self) -> tuple[str, str]:
        return await asyncio.to_thread(
            detect_base_url, self._explicit, self._login.machine, self._login.runtime
        )
