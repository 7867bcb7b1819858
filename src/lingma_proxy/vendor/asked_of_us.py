"""What the other side asks of us, and what it is told.

Somebody who answers prompts also asks: may I run this, read that file, show this to the
person?  We relay text and have nobody to ask, so (`protocol/ipc.md` C.4 and C.8)

*   what is only told by way of a request is acknowledged with null, or the turn would stall;
*   a permission is cancelled, a question to the person too;
*   whatever touches the machine is refused, and so is what we do not know.
"""

from lingma_proxy.jsonio import Json

NO_SUCH_METHOD = -32601
"""JSON-RPC 2.0, section 5.1."""

TOLD = frozenset(
    {
        "auth/syncTokenUpdate",
        "chat/answer",
        "chat/codeChange/apply/finish",
        "chat/finish",
        "chat/process_step_callback",
        "chat/think",
        "commitMsg/answer",
        "commitMsg/finish",
        "image/uploadResultNotification",
        "ping",
        "session/title/update",
        "session/update",
        "snapshot/syncAll",
        "tool/call/sync",
    }
)
"""Requests of the plugin that want no more than to be acknowledged (C.3, C.5)."""

PERMISSION = "session/request_permission"
DECLINED: dict[str, Json] = {
    PERMISSION: {"outcome": {"outcome": "cancelled"}},
    "elicitation/create": {"action": "cancel"},
}


class Unwelcome(Exception):
    """A request that is refused; the message is for the other side's log."""

    code = NO_SUCH_METHOD


def answer(method: str) -> Json:
    """The result.  Raises Unwelcome."""
    if method in TOLD:
        return None
    if method in DECLINED:
        return DECLINED[method]
    raise Unwelcome("This client relays text: it has no files, no terminal and no tools.")
