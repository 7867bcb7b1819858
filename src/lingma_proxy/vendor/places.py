"""Where the vendor's programs keep things: paths and texts, without looking.

    runtimes        folders that may hold a login: `cache/user` and `cache/id` below them
    hint_files      settings and logs that may name the base URL of the API
    log_roots       folders of logs, searched when `cache/id` is missing

Everything follows from a `Machine`: its operating system, the user's home, and the
environment.  The paths are pure; `backends/login.py` goes and looks.

The readers below take texts found there.  A base URL out of a file decides where the login
is sent, so all of them accept https only, and only the vendor's own hosts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from lingma_proxy.jsonio import Json, is_object, loads

System: TypeAlias = Literal["linux", "darwin", "windows"]

INTERNATIONAL = "https://lingma.alibabacloud.com"
CHINA = "https://lingma-api.tongyi.aliyun.com"
REGIONS = {"cn": CHINA, "intl": INTERNATIONAL}
"""`regionEnv` in `cache/cache.json` → its base URL."""


@dataclass(frozen=True, slots=True)
class Machine:
    system: System
    home: PurePath
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def folder(self, variable: str) -> PurePath | None:
        """The folder that a variable names."""
        value = self.environment.get(variable, "").strip()
        return type(self.home)(value) if value else None


# Paths.

FAMILIES = (
    ((".qodercn", ".qoder-cn"), ("QoderCN", "Qoder")),
    ((".lingma",), ("Lingma", "lingma")),
)
"""(dotted folders in the home, folders where applications keep things) of each product."""
WINDOWS_ROOTS = ("APPDATA", "LOCALAPPDATA", "ProgramData")
EDITORS = ("Code", "Code - OSS", "VSCodium", "Cursor", "Windsurf")
EXTENSION = "User/globalStorage/alibaba-cloud.tongyi-lingma"
SHARED = "SharedClientCache"

LOG_FILES = ("lingma.log", "Lingma.log", "main.log", "renderer.log", "sharedprocess.log")
"""The logs of a runtime that name its machine id, below its `logs`."""


def runtimes(machine: Machine) -> tuple[PurePath, ...]:
    """Folders that may hold a login, the likelier first: Qoder CN, then Lingma, then editors."""
    home, support = machine.home, app_support(machine)
    roots = folders(machine, WINDOWS_ROOTS)
    configs = [home / ".config", *folders(machine, ("XDG_CONFIG_HOME",))]
    found: list[PurePath] = []
    for dotted, names in FAMILIES:
        for name in dotted:
            found += [
                home / name / end for end in ("", "shared_client", "vscode/sharedClientCache")
            ]
        found += [support / name / SHARED for name in names]
        for folder in (*configs, home / ".local/share"):
            found += [folder / name / end for name in names for end in ("", SHARED)]
        for root in roots:
            found += [root / name / end for name in names for end in ("", SHARED)]
            found += [root / name.removeprefix(".") for name in dotted]
    for root in (support, *folders(machine, ("APPDATA",)), *configs):
        found += [root / editor / EXTENSION for editor in EDITORS]
    return distinct(machine, found)


def own_login(machine: Machine) -> PurePath:
    """The file in which `lingma-proxy login import` keeps a login: beside our settings file."""
    if machine.system == "windows":
        root = machine.folder("LOCALAPPDATA") or machine.home / "AppData/Local"
    elif machine.system == "darwin":
        root = app_support(machine)
    else:
        root = machine.folder("XDG_CONFIG_HOME") or machine.home / ".config"
    return root / "lingma-proxy/login.json"


def login_files(runtime: PurePath) -> tuple[PurePath, ...]:
    """The files of a runtime whose change may be a new login."""
    return (runtime / "cache/user", runtime / "cache/id", runtime / "cli/.auth/id")


def hint_files(machine: Machine, runtime: PurePath | None = None) -> tuple[PurePath, ...]:
    """Files that may name the base URL, the likelier first; those of `runtime` before all."""
    home, support = machine.home, app_support(machine)
    found: list[PurePath] = []
    if runtime is not None:
        found += [runtime / "cache/app-config.json", runtime / "cache/config.json"]
        found += [runtime / "logs" / name for name in LOG_FILES]
    for dotted, names in ((".qodercn", ("QoderCN", "Qoder")), (".lingma", ("Lingma",))):
        for folder in ("extension/server", "extension/local", "bin"):
            found.append(home / dotted / folder / "config.json")
        found += [support / name / SHARED / "cache/app-config.json" for name in names]
    found += [
        home / ".config" / name / "config.json" for name in ("lingma-proxy", "lingma-ipc-proxy")
    ]
    for dotted, name in ((".qodercn", "qodercn"), (".lingma", "lingma")):
        for folder in ("logs", "vscode/sharedClientCache/logs"):
            found += [home / dotted / folder / f"{name}{end}.log" for end in ("", "-extension")]
    return distinct(machine, found)


def log_roots(machine: Machine) -> tuple[PurePath, ...]:
    """Folders whose newest sub-folders hold logs."""
    home, support = machine.home, app_support(machine)
    names = ("Lingma", "QoderCN", "Qoder")
    found = [
        home / dotted / folder
        for dotted in (".lingma", ".qodercn")
        for folder in ("logs", "vscode/sharedClientCache/logs")
    ]
    for root in (support, *folders(machine, WINDOWS_ROOTS)):
        found += [root / name / end for name in names for end in ("logs", f"{SHARED}/logs")]
    states = folders(machine, ("XDG_CONFIG_HOME", "XDG_STATE_HOME"))
    for root in (*states, home / ".config", home / ".local/state"):
        found += [root / name / "logs" for name in ("Lingma", "QoderCN")]
    for root in (support, *folders(machine, ("APPDATA",)), home / ".config"):
        found.append(root / "Code" / EXTENSION / "logs")
    return distinct(machine, found)


def is_log(name: str) -> bool:
    """Whether a file in a log folder is one of those worth reading."""
    name = name.lower()
    return name.endswith(".log") and (
        "lingma" in name
        or "qodercn" in name
        or name in {"renderer.log", "sharedprocess.log", "main.log"}
    )


def shown(machine: Machine, path: PurePath) -> str:
    """A path as it may stand in a message: below `~`, or its last two names."""
    try:
        return "~/" + path.relative_to(machine.home).as_posix()
    except ValueError:
        return "…/" + "/".join(path.parts[-2:])


def app_support(machine: Machine) -> PurePath:
    return machine.home / "Library/Application Support"


def folders(machine: Machine, variables: Iterable[str]) -> list[PurePath]:
    return [folder for name in variables if (folder := machine.folder(name)) is not None]


def distinct(machine: Machine, paths: Iterable[PurePath]) -> tuple[PurePath, ...]:
    """Each folder once.  On Linux a name in another case is another folder."""
    fold = str if machine.system == "linux" else _folded
    found: dict[str, PurePath] = {}
    for path in paths:
        found.setdefault(fold(path), path)
    return tuple(found.values())


def _folded(path: PurePath) -> str:
    return str(path).lower()


# Base URLs.

URL = re.compile(r"https?://[^\s\"'<>),\]}]+", re.IGNORECASE)
NETLOC = re.compile(r"([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?::443)?")
URL_MARKER = re.compile(
    r"(?:endpoint config|using service url|download asset from):(.*)", re.IGNORECASE
)
HINT_KEYS = ("base", "domain", "url", "endpoint")
HOSTS = {"lingma.alibabacloud.com", "lingma-api.tongyi.aliyun.com"}
TENANTS = ".rdc.aliyuncs.com"
FILE_STORES = (".oss-", "oss-rg-", ".oss.")


def normalize_hint(text: str) -> str:
    """`https://host` of a URL on one of the vendor's API hosts; "" for anything else.

    A lost first letter (`ttps://`) is made good.
    """
    text = text.strip()
    if text.lower().startswith("ttps://"):
        text = "h" + text
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    found = NETLOC.fullmatch(parts.netloc)
    if parts.scheme != "https" or found is None:
        return ""
    host = found[1].lower()
    if any(mark in host for mark in FILE_STORES):
        return ""
    return f"https://{found[1]}" if host in HOSTS or host.endswith(TENANTS) else ""


def chosen_url(text: str) -> str:
    """A base URL that the user has set, tidied; any host of theirs, https or on this machine.

    Raises ValueError with a sentence.
    """
    text = text.strip().rstrip("/").removesuffix("/algo")
    parts = urlsplit(text)
    host = parts.hostname or ""
    loopback = host in {"localhost", "::1"} or host.startswith("127.")
    if not host or parts.scheme not in {"https", "http"}:
        raise ValueError("a base URL begins with https:// and a host")
    if parts.scheme == "http" and not loopback:
        raise ValueError("a base URL beyond this machine begins with https://: a login goes there")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("a base URL holds neither a user, nor a query, nor a fragment")
    return text


def base_url_from_text(text: str) -> str:
    """The base URL that a log speaks of, the last one first; "" if none.

    A URL that a request really went to counts before one that is merely mentioned.
    """
    urls = [found[0] for found in URL.finditer(text)][::-1]
    called = [url for url in urls if "/algo/" in url]
    for url in (*called, *urls):
        if base := normalize_hint(url):
            return base
    for found in [*URL_MARKER.finditer(text)][::-1]:
        for word in found[1].split():
            if base := normalize_hint(word.strip("\"'<>),]}")):
                return base
    return ""


def base_url_from_json(value: Json) -> str:
    """The first base URL under a key that speaks of one, in the order of the document."""
    for key, text in _strings(value):
        if any(word in key.lower() for word in HINT_KEYS) and (base := normalize_hint(text)):
            return base
    return ""


def base_url_from_file(text: str) -> str:
    """The base URL in a settings file or a log, whichever the text is."""
    try:
        value = loads(text)
    except ValueError:
        return base_url_from_text(text)
    return base_url_from_json(value)


def region_url(text: str) -> str:
    """The base URL of the region in `cache/cache.json`; "" if it names none we know."""
    try:
        value = loads(text)
    except ValueError:
        return ""
    for key, region in _strings(value):
        if key == "regionEnv" and region.lower() in REGIONS:
            return REGIONS[region.lower()]
    return ""


def _strings(value: Json) -> Iterator[tuple[str, str]]:
    """All strings that have a key, with it, in the order of the document."""
    waiting = [("", value)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, str):
            yield key, value
        elif is_object(value):
            waiting += reversed(list(value.items()))
        elif isinstance(value, list):
            waiting += [(key, item) for item in reversed(value)]


# Machine ids.

MACHINE_MARKER = re.compile(
    r"(?:using machine id from file|machine[ _-]?id):(.{,200})", re.IGNORECASE
)
JETBRAINS_MARKER = re.compile(r"generated uuid:(.{,200})", re.IGNORECASE)
"""JetBrains writes no `cache/id`, only this line, which may also speak of other ids."""
MACHINE_ID = re.compile(r"[A-Za-z0-9._:-]{16,}")
MACHINE_FIELD = re.compile(
    r"\"?(?:machine[_-]?id)\"?\s*[:=]\s*\"?([A-Za-z0-9._:-]{16,})\"?", re.IGNORECASE
)
END_OF_ID = re.compile(r"[\s,;]")


def machine_ids_from_text(text: str) -> tuple[str, ...]:
    """All that may be machine ids, the likelier first; in each kind, the last one first."""
    found = [
        _id_after(match[1])
        for marker in (MACHINE_MARKER, JETBRAINS_MARKER)
        for match in [*marker.finditer(text)][::-1]
    ]
    found += [match[1] for match in MACHINE_FIELD.finditer(text)][::-1]
    return tuple(dict.fromkeys(id for id in found if id))


def _id_after(rest: str) -> str:
    word = END_OF_ID.split(rest.strip(" \t\"'<>),]}"), maxsplit=1)[0].strip("\"'<>),]}")
    return word if MACHINE_ID.fullmatch(word) else ""
