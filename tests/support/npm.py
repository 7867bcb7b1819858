"""Programs of other people, from npm, kept in the user's cache folder for the next time.

What is asked for with another version than before is installed anew.  Several tests may want
the same program at once: one installs it, the others wait.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NODE = "node@24"
"""For those who ask for a newer one than most systems have."""
QUIETLY = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
FOR_A_WHILE = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000")
"""A registry that does not answer is given up within the minute, not after ten."""


class Unavailable(Exception):
    """Why a program cannot be had here: a sentence."""


def cache() -> Path:
    told = os.environ.get("CLIENTS_DIR")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(told) if told else Path(base) / "lingma-proxy-tests"


def is_installed(name: str, *packages: str) -> bool:
    return _has(cache() / name, packages)


def install(name: str, *packages: str, patience: float) -> Path:
    """The folder in which the packages are.  `patience` in seconds; raises Unavailable."""
    folder = cache() / name
    if _has(folder, packages):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{name}.lock")):
        if not _has(folder, packages):
            (folder / "package.json").write_text('{"private":true}')
            _run_npm(folder, packages, patience)
            _marker(folder).write_text(" ".join(packages))
    return folder


def node(at_least: int, *, patience: float) -> Path:
    """The folder of a Node of at least that version: the system's, or one from npm."""
    if found := shutil.which("node"):
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        major = said.stdout.removeprefix("v").partition(".")[0]
        if major.isdecimal() and int(major) >= at_least:
            return Path(found).parent
    return programs(install("node", NODE, patience=patience))


def programs(folder: Path) -> Path:
    return folder / "node_modules" / ".bin"


def _run_npm(folder: Path, packages: tuple[str, ...], patience: float) -> None:
    names = " and ".join(packages)
    if shutil.which("npm") is None:
        raise Unavailable(f"npm is needed to install {names}, and it is not on the PATH")
    with subprocess.Popen(
        ["npm", "install", *QUIETLY, *FOR_A_WHILE, *packages],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as npm:
        try:
            _, complaint = npm.communicate(timeout=patience)
        except BaseException as error:
            # Its own children, too, or they would go on and hold its output open.
            os.killpg(npm.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise Unavailable(f"npm took more than {patience:.0f} s for {names}") from error
            raise
    if npm.returncode != 0:
        reason = next((line for line in complaint.splitlines() if "code E" in line), "")
        reason = reason.rpartition(" ")[2] or f"exit code {npm.returncode}"
        raise Unavailable(f"npm could not install {names}: {reason}")


def _has(folder: Path, packages: tuple[str, ...]) -> bool:
    marker = _marker(folder)
    return marker.exists() and marker.read_text() == " ".join(packages)


def _marker(folder: Path) -> Path:
    return folder / ".installed"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    import fcntl  # Windows has none, and must be able to read this file

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
