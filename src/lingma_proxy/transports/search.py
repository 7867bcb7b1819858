r"""A search of the web that somebody else makes: a program, or an address that answers with JSON.

    search-the-web --json          started with the query as one more argument
    my-search -n 5 {query} -q      started with the query in its place
    https://host/search?q={query}&format=json

Who sets it up names the program or the address; the query is only ever data: one argument, in
no shell, that cannot begin with a dash; or a piece of an address, with everything escaped.
What is said within the time and the size allowed, and with the code 0 or a status of success,
is the answer; what the program says on standard error is not read by anybody, for the query may
stand in it.
"""

import asyncio
import logging
import shlex
import shutil
import sys
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import aiohttp

from lingma_proxy import __version__
from lingma_proxy.conversation.search import SearchErrorCode, SearchFailed
from lingma_proxy.errors import BackendUnavailable
from lingma_proxy.transports.stdio import Child

log = logging.getLogger("lingma_proxy.search")

QUERY = "{query}"
TIME = 20.0
"""Seconds for one search."""
LARGEST = 2 * 2**20
"""Bytes of an answer."""
SCHEMES = ("http://", "https://")
BATCH = (".bat", ".cmd")
"""Windows hands their arguments to a shell, whatever one does."""
STATUSES: dict[int, SearchErrorCode] = {
    413: "request_too_large",
    414: "query_too_long",
    429: "too_many_requests",
}


class ProgramSearch:
    """Starts a program for each search."""

    def __init__(self, command: Sequence[str], *, time: float = TIME) -> None:
        given = any(QUERY in word for word in command[1:])
        self._command = tuple(command) if given else (*command, QUERY)
        self._time = time

    async def __call__(self, query: str) -> bytes:
        """Raises SearchFailed.  However it ends, nothing of the program is left."""
        program, *words = self._command
        if sys.platform == "win32" and (shutil.which(program) or "").lower().endswith(BATCH):
            raise failed("it is a batch file, which cannot be given a query safely.")
        try:
            child = await Child.start([program, *(argument(word, query) for word in words)])
        except BackendUnavailable as error:
            raise failed(error.message) from None
        done = False
        try:
            async with asyncio.timeout(self._time):
                child.say_no_more()
                said = await heard(child)
                code = await child.wait()
            done = True
        except TimeoutError:
            raise failed(f"it took longer than {self._time:g} seconds.") from None
        except OSError:
            raise failed("its output broke off.") from None
        finally:
            await child.end(at_once=not done)
        if code:
            raise failed(f"the program ended with the code {code}.")
        return said


class AddressSearch:
    """Asks an address for each search."""

    def __init__(self, template: str, *, time: float = TIME) -> None:
        self._template = template
        self._time = aiohttp.ClientTimeout(total=time)

    async def __call__(self, query: str) -> bytes:
        """Raises SearchFailed."""
        url = self._template.replace(QUERY, quote(query, safe="", errors="replace"))
        headers = {"Accept": "application/json", "User-Agent": f"lingma-proxy/{__version__}"}
        try:
            async with (
                aiohttp.ClientSession(headers=headers, timeout=self._time) as session,
                session.get(url, max_redirects=3) as answer,
            ):
                if not 200 <= answer.status < 300:
                    status = answer.status
                    raise failed(f"the status was {status}.", STATUSES.get(status, "unavailable"))
                said = bytearray()
                async for chunk in answer.content.iter_any():
                    said += chunk
                    if len(said) > LARGEST:
                        raise failed(f"it said more than {LARGEST} bytes.")
                return bytes(said)
        except TimeoutError:
            raise failed(f"it took longer than {self._time.total:g} seconds.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Only of what kind it is: the text has the address in it, with the query.
            raise failed(f"the address was not to be reached ({type(error).__name__}).") from None


def searcher(setting: str, *, windows: bool = sys.platform == "win32") -> (
    ProgramSearch | AddressSearch | None
):  # fmt: skip
    """The search that a setting names; None for "".  Raises ValueError with a clause."""
    if not setting.strip():
        return None
    if setting.lower().startswith(SCHEMES):
        split = urlsplit(setting)
        if not split.hostname or QUERY not in f"{split.path}?{split.query}":
            raise ValueError(f"the address of a search has a host, and {QUERY} behind it")
        return AddressSearch(setting)
    # On Windows a backslash stands in paths, and quotes stay around what they hold.
    words = shlex.split(setting, posix=not windows)
    if windows:
        words = [word[1:-1] if word[:1] == word[-1:] == '"' != word else word for word in words]
    if not words or not words[0] or QUERY in words[0]:
        raise ValueError("the command of a search begins with the name of a program")
    if words[0].lower().endswith(BATCH):
        raise ValueError("a batch file cannot be given a query safely; name a program")
    return ProgramSearch(words)


def argument(word: str, query: str) -> str:
    """A word of the command with the query in its place, which is no option of the program's."""
    said = word.replace(QUERY, query)
    return f" {said}" if word.startswith(QUERY) and query.startswith("-") else said


async def heard(child: Child) -> bytes:
    said = bytearray()
    while chunk := await child.stream.read():
        said += chunk
        if len(said) > LARGEST:
            raise failed(f"it said more than {LARGEST} bytes.")
    return bytes(said)


def failed(why: str, code: SearchErrorCode = "unavailable") -> SearchFailed:
    log.warning("A search of the web failed: %s", why)
    return SearchFailed(code)
