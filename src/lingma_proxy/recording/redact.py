"""What is taken out of everything that is written."""

import re
from collections.abc import Callable, Iterable

TOKEN = re.compile(
    rb"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}"
    rb"|github_pat_[A-Za-z0-9_]{20,}|AKIA[A-Z0-9]{16}|LTAI[A-Za-z0-9]{12,}"
    rb"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
)


class Redactor:
    def __init__(self, secrets: Callable[[], Iterable[str]] = tuple) -> None:
        self._secrets = secrets

    def __call__(self, data: bytes) -> bytes:
        for secret in self._secrets():
            if secret:
                data = data.replace(secret.encode(), b"[redacted: login]")
        return redacted(data)


def redacted(data: bytes) -> bytes:
    return TOKEN.sub(b"[redacted: token]", data)
