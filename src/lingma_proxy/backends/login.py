"""The login in memory: which one it is, whether it has changed, and when it ends.

    auto | newest | longest       the choice among all that are found (see `logins`)
    a path                        the folder of an IDE, or a credential file: that one

Nothing is read on the hot path.  A background task looks at the times of all files once a
second; a request looks at those of the login in use, unless that was just done.  What changed
is read again, in a thread, once for all who wait.  A file that is half written leaves the
last good login in place.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from lingma_proxy.backends.disk import Stamp, stamp, stamps
from lingma_proxy.backends.logins import POLICIES, Choice, Found, Logins, choose, here
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.vendor.credentials import Credentials
from lingma_proxy.vendor.lasting import ended, stage, warning
from lingma_proxy.vendor.places import Machine, login_files, runtimes, shown

log = logging.getLogger("lingma_proxy.login")

POLL = 1.0
"""Seconds between two looks at the files."""
FRESH = 0.2
"""Seconds after a look at the files of the login in use within which requests take none."""
GLANCE = 0.05
"""Seconds that a request waits for such a look: a disk may be far away, or gone."""
LOGINS_REMEMBERED = 4
"""How many logins ago a secret may be and still turn up in an answer to a request."""
SHORTEST = 8
"""Characters of a value that is worth hiding; a real user id has about sixteen."""


def _path(text: str | Path) -> Path:
    with suppress(RuntimeError):  # `~somebody` whom the system does not know
        return Path(text).expanduser()
    return Path(text)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at everything has brought."""

    stamps: tuple[Stamp, ...]
    found: tuple[Found, ...]
    choice: Choice
    message: str = ""
    """What to say while there is no login."""
    damaged: bool = False
    """The login in use cannot be read now: a file that is half written."""


class Login:
    """The login of this machine, as it is now.

    `choice` is a policy or a path, `named_by` the setting that the path is from, for messages;
    `now` is Unix time in seconds.
    """

    def __init__(
        self,
        choice: str | Path = "auto",
        *,
        named_by: str = "login",
        machine: Machine | None = None,
        poll: float = POLL,
        fresh: float = FRESH,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.machine = here() if machine is None else machine
        self.looked: tuple[Found, ...] = ()
        """Every place that had something in it, in the order of preference."""
        self.used: Found | None = None
        """Where the login is from; None if there is none."""
        self.why = ""
        """Why it is this one, as a clause."""
        self.looks = 0
        """How often everything has been looked at."""
        self._policy = str(choice) if choice in POLICIES else ""
        self._path = None if self._policy else _path(choice)
        self._named_by = named_by
        self._poll = poll
        self._fresh = fresh
        self._now = now
        self._logins = Logins(self.machine, now)
        self._had: deque[Credentials] = deque(maxlen=LOGINS_REMEMBERED)
        self._message = "The login has not been looked for yet."
        self._stamps: tuple[Stamp, ...] = ()
        self._glanced = -1.0
        self._wanted = False
        self._told: tuple[Credentials, int] | None = None
        self._reloading: asyncio.Task[bool] | None = None
        self._glancing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def named(self) -> bool:
        """Whether somebody has named it, by a path."""
        return self._path is not None

    @property
    def runtime(self) -> Path | None:
        """The folder that the login is from; None for one from a file or the environment."""
        return self.used.path if self.used is not None and self.used.kind == "cache" else None

    @property
    def base_url(self) -> str:
        """The address that it states itself; "" for one that does not, as the IDE's do not."""
        credentials = None if self.used is None else self.used.credentials
        return "" if credentials is None else credentials.base_url

    @property
    def expires_at(self) -> float | None:
        """When the login ends, in Unix seconds; None if there is none or it does not say."""
        return None if self.used is None else self.used.expires_at

    def ending(self) -> str:
        """What is to be said of a login that ends soon, and what to do; "" while it does not."""
        used = self.used
        return "" if used is None else warning(used.kind, used.place, used.expires_at, self._now())

    def secrets(self) -> tuple[str, ...]:
        """What must never be written anywhere: of this login, and of those just before it.

        What is shorter than any real value is left out: it would be found in every other word.
        """
        every = (each for login in self._had for each in login.secrets if len(each) >= SHORTEST)
        return tuple(dict.fromkeys(every))

    def current(self) -> Credentials:
        """The login, from memory.  Raises NotLoggedIn with what to do."""
        if self.used is None or self.used.credentials is None:
            raise NotLoggedIn(self._message)
        return self.used.credentials

    async def ready(self) -> Credentials:
        """The login, for a request that is about to use it.  Raises NotLoggedIn.

        Waits for the first look, and later for hardly anything.
        """
        self._wanted = True
        if not self.looks:
            await self.reload()
        elif asyncio.get_running_loop().time() - self._glanced >= self._fresh:
            await self._glance()
        return self.current()

    def load(self) -> None:
        """Look now, in this thread: for commands that have nothing else to do."""
        self._adopt(self._look())

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
        every = (self._watching, self._glancing, self._reloading)
        tasks = [task for task in every if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _reload(self) -> bool:
        self._glanced = asyncio.get_running_loop().time()
        return self._adopt(await asyncio.to_thread(self._look))

    async def _watch(self) -> None:
        if not self.looks:
            await self.reload()
        gone = False
        while True:
            self._tell_the_end()
            await asyncio.sleep(self._poll)
            seen = await asyncio.to_thread(stamps, self._watched())
            # Who replaces a file may first take it away: look once more.
            gone = not gone and self._misses(seen)
            if not gone and (seen != self._stamps or self._outlived()):
                await self.reload()

    async def _glance(self) -> None:
        """See whether the login in use has changed; if so, read it before it is used."""
        if self._glancing is None or self._glancing.done():
            self._glancing = asyncio.create_task(self._look_at_own(), name="glance at the login")
        await asyncio.wait((self._glancing,), timeout=GLANCE)

    async def _look_at_own(self) -> None:
        own = self._own()
        before = dict(zip(self._watched(), self._stamps, strict=False))
        seen = await asyncio.to_thread(stamps, own)
        self._glanced = asyncio.get_running_loop().time()
        # One that is gone may be about to come back: that is for the watch to see.
        if any(seen) and seen != tuple(before.get(file) for file in own):
            await self.reload()

    def _own(self) -> Sequence[PurePath]:
        """The files of the login in use, that which matters first; without one, all there are."""
        if self.runtime is not None:
            return login_files(self.runtime)
        if self.used is not None and self.used.path is not None:
            return (self.used.path,)
        return self._watched() if self.used is None else ()

    def _watched(self) -> tuple[PurePath, ...]:
        return self._logins.watched(self._path)

    def _misses(self, seen: tuple[Stamp, ...]) -> bool:
        """Whether the file of the login in use was there and is not."""
        if self.used is None:
            return False
        return dict(zip(self._watched(), seen, strict=True)).get(self._own()[0], ()) is None

    def _outlived(self) -> bool:
        """Whether the login in use has ended, and another one that was found has not."""
        if self._path is not None or not ended(self.expires_at, self._now()):
            return False
        return any(
            each.credentials and not ended(each.expires_at, self._now()) for each in self.looked
        )

    def _look(self) -> _Look:
        # The times first, so that what changes while we read is read again.
        seen = stamps(self._watched())
        if self._path is not None:
            found = self._logins.at(self._path)
            choice = Choice(found[0] if found else None, f"the setting {self._named_by} names it")
        else:
            found = self._logins.everywhere()
            choice = choose(found, self._policy, self._now())
        return _Look(seen, tuple(found), *self._usable(found, choice))

    def _usable(self, found: Sequence[Found], choice: Choice) -> tuple[Choice, str, bool]:
        """The choice if it can be used; else what to say, and whether the last one stays."""
        mine = next((each for each in found if self.used and each.path == self.used.path), None)
        if mine is not None and mine.problem and mine.file is not None and stamp(mine.file):
            # Half written: not the moment to change identities.
            return Choice(None, ""), self._unusable(mine), True
        if choice.used is None or choice.used.problem:
            broken = [each for each in found if each.problem]
            message = self._unusable(broken[0]) if broken else self._nothing()
            return Choice(None, choice.why), message, False
        return choice, "", False

    def _adopt(self, look: _Look) -> bool:
        self.looks += 1
        self._stamps = look.stamps
        self.looked = look.found
        self._message = look.message
        if not look.damaged:
            before, self.used, self.why = self.used, look.choice.used, look.choice.why
            self._remember(before)
        return look.choice.used is not None

    def _remember(self, before: Found | None) -> None:
        if self.used is None or self.used.credentials is None:
            return
        if self.used.credentials not in self._had:
            self._had.appendleft(self.used.credentials)
        if before is not None and before.credentials != self.used.credentials:
            user = self.used.credentials.user_id[-4:]
            log.info("The login has changed: now that of %s, user …%s.", self.used.place, user)

    def _tell_the_end(self) -> None:
        """Log, once at each stage, that the login ends; a new login is a new beginning.

        What nobody has asked for may end as it likes: another backend may be the one that answers.
        """
        if not self._wanted or self.used is None or self.used.credentials is None:
            return
        login, reached = self.used.credentials, stage(self.expires_at, self._now())
        told = self._told[1] if self._told is not None and self._told[0] == login else 0
        if reached > told:
            log.warning("%s", self.ending())
        self._told = login, max(reached, told)

    def _unusable(self, found: Found) -> str:
        if found.kind in {"file", "imported"}:
            instead = (
                f"clear the setting {self._named_by} to use the login that the IDE keeps"
                if found.kind == "file"
                else "remove it (`lingma-proxy login forget`)"
            )
            return (
                f"The credential file {found.place} cannot be used: {found.problem}. Export it "
                f"again, or {instead}."
            )
        return (
            f"The Lingma login in {found.place} cannot be used: {found.problem}. Log in again in "
            "the IDE (Lingma or Qoder CN); the new login is picked up by itself."
        )

    def _nothing(self) -> str:
        if self._path is not None:
            return (
                f"There is no Lingma login in {shown(self.machine, self._path)}. Set "
                f"{self._named_by} to the folder that holds `cache/user`, or to a credential file; "
                "or leave it empty."
            )
        places = len(runtimes(self.machine))
        return (
            "No Lingma login was found. Log in to Lingma (or Qoder CN) in your IDE, or bring a "
            "credential file (`lingma-proxy login import`, or remote_auth_file). "
            f"{places} places were looked into, such as ~/.lingma and ~/.qodercn."
        )
