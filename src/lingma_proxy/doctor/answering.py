"""Who answers: the backend that was chosen, why, and who it says it is."""

from lingma_proxy.doctor.finding import Finding, ok, warning
from lingma_proxy.gateway import Behind


async def check_choice(behind: Behind) -> list[Finding]:
    """The choice, and what is known of the backends that were not chosen."""
    await behind.look()
    presence, reason = behind.presence(), behind.reason()
    chosen = f"{behind.name()}: {presence.says}" if presence.says else behind.name()
    if presence.found:
        return [ok("backend", f"{chosen}. {reason}")]
    return [warning("backend", f"{chosen}. {reason}")]


async def check_peer(behind: Behind) -> list[Finding]:
    """Who has answered, once somebody has; nothing where nobody says it."""
    if peer := behind.peer():
        at = behind.endpoint()
        return [ok("connection", f"{peer} answers, by {at}" if at else f"{peer} answers")]
    return []
