"""Text as it may stand in one line: of a log, a header, a page of numbers."""


def printable(text: str) -> str:
    """The text with a blank for each character that does something, or cannot be shown."""
    # Nearly all of them are; to look at each costs a hundred times as much.
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " for each in text)
