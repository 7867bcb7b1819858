"""The processes that a process has started, and theirs (Linux)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Alive:
    """A process.  Its number may be given to another one; its start tells them apart."""

    pid: int
    parent: int
    group: int
    started: int

    def lives(self) -> bool:
        now = look(self.pid)
        return now is not None and now.started == self.started


def look(pid: int) -> Alive | None:
    """None if there is none, or nothing of it but its number."""
    try:
        stat = (Path("/proc") / str(pid) / "stat").read_text()
    except OSError:
        return None
    state, parent, group, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else Alive(pid, int(parent), int(group), int(rest[16]))


def offspring(pid: int) -> set[Alive]:
    """All that are alive now below that process."""
    entries = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    alive = [found for entry in entries if (found := look(entry))]
    family, size = {pid}, 0
    while len(family) > size:
        size = len(family)
        family |= {each.pid for each in alive if each.parent in family}
    return {each for each in alive if each.pid in family - {pid}}
