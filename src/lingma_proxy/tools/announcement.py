"""Whether an answer announces a call that is not there: "Let me read the file with Read:".

Only what is beyond doubt counts: an answer that is short, ends in a colon, and names a tool
in its last line.  The words "let me" are no evidence; people explain with them, too.
"""

import re
from collections.abc import Iterable

LONGEST = 300
"""Characters of an answer that announces and does nothing else."""
COLONS = (":", "：")


def announces(said: str, tools: Iterable[str]) -> bool:
    said = said.strip()
    if not said.endswith(COLONS) or len(said) > LONGEST or "```" in said:
        return False
    last = said.rpartition("\n")[2]
    return any(
        re.search(rf"(?<![A-Za-z0-9_]){re.escape(tool)}(?![A-Za-z0-9_])", last, re.IGNORECASE)
        for tool in tools
        if tool
    )
