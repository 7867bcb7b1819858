"""The one error of this package."""


class Unreadable(Exception):
    """`clause` says why, and what to do, as the rest of a sentence that begins with its name."""

    def __init__(self, clause: str) -> None:
        super().__init__(clause)
        self.clause = clause
