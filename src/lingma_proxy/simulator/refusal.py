"""How the vendor says no: a status and a small JSON object, or the same in an envelope."""

from lingma_proxy.jsonio import JsonObject, dumpb, dumps


class Refusal(Exception):
    """`reason` is the simulator's own word to whoever debugs; the vendor gives none."""

    def __init__(self, status: int, code: str, message: str, reason: str = "") -> None:
        super().__init__(reason or message)
        self.status = status
        self.code = code
        self.message = message
        self.reason = reason

    @property
    def object(self) -> JsonObject:
        said = {"code": self.code, "message": self.message}
        return said | {"reason": self.reason} if self.reason else said

    @property
    def body(self) -> bytes:
        return dumpb(self.object)

    @property
    def envelope(self) -> bytes:
        """The refusal as an event of a stream that began with a 200."""
        return dumpb(
            {
                "headers": {},
                "body": dumps(self.object),
                "statusCodeValue": self.status,
                "statusCode": "ERROR",
            }
        )


def bad_signature(reason: str = "") -> Refusal:
    return Refusal(403, "101", "Signature invalid", reason)


def bad_payload(reason: str) -> Refusal:
    return Refusal(400, "400", "auth payload is invalid", reason)


def bad_user(reason: str = "") -> Refusal:
    return Refusal(403, "403", "user invalid", reason)


def bad_header(reason: str) -> Refusal:
    return Refusal(400, "400", "bad request header", reason)


def bad_request(message: str) -> Refusal:
    return Refusal(400, "InvalidParameter", message)


def quota_used_up() -> Refusal:
    return Refusal(403, "110", "Daily usage limit reached")
