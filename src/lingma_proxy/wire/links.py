r"""Links as clients write them: a URL on the web, or a file of this machine in every spelling.

http://…  https://…                      the web
file:///home/me/a.png  file:/C:/a.png    files: RFC 8089, with the slips that people make
/home/me/a.png  ~/a.png                  paths, as POSIX and as Windows spells them
C:\pictures\a.png  c:/pictures/a.png
"""

import re
from urllib.parse import unquote, urlsplit

WEB = ("http://", "https://")
DRIVE = re.compile(r"/*([A-Za-z])[:|]([\\/].*)", re.DOTALL)
LONGEST_NAME = 160
"""Characters of a link that are shown."""


def is_web(link: str) -> bool:
    return link.strip()[:8].lower().startswith(WEB)


def path_of(link: str) -> str | None:
    """The path that a link means on this machine, `~` not yet written out; None if it means none.

    Raises ValueError with a clause where it names another machine's file.
    """
    link = link.strip()
    if link[:5].lower() == "file:":
        rest = link[5:].partition("?")[0].partition("#")[0]
        if rest.startswith("//") and not DRIVE.fullmatch(rest):
            host, _, path = rest[2:].partition("/")
            if host.lower() not in {"", "localhost", "127.0.0.1"}:
                raise ValueError("it lies on another machine")
            rest = "/" + path
        link = unquote(rest, errors="surrogateescape")
        if link.startswith("/~/"):
            link = link[1:]
    if found := DRIVE.fullmatch(link):
        return f"{found[1].upper()}:{found[2]}"
    if link.startswith("\\\\"):
        raise ValueError("it lies on another machine")
    return link if link.startswith(("/", "~/", "~\\")) and not link.startswith("//") else None


def called(link: str) -> str:
    """What a link may be called in a message.

    Of a URL not the query, which may be a secret (a signed URL), nor a name and password;
    of a path the last name only.
    """
    link = link.strip()
    if is_web(link):
        try:
            url = urlsplit(link)
            name = f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
        except ValueError:
            name = f"{link[:8].partition(':')[0].lower()}://…"
    else:
        name = re.split(r"[\\/]", link.partition("?")[0])[-1] or "…"
    shown = "".join(letter if letter.isprintable() else "�" for letter in name)
    return shown if len(shown) <= LONGEST_NAME else shown[:LONGEST_NAME] + "…"
