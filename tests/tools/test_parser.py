from support.said import Called, heard, read

CALL = '<tool_call>\n{"name": "Bash", "arguments": {"command": "ls"}}\n</tool_call>'
LS = Called("Bash", {"command": "ls"})


def test_calls_and_prose_come_in_order() -> None:
    assert read(f"Let me look.\n\n{CALL}\n{CALL}\n\nDone.\n{CALL}\n") == [
        "Let me look.\n\n", LS, LS, "\n\nDone.\n", LS,
    ]  # fmt: skip


def test_without_streams_a_call_that_breaks_is_prose() -> None:
    text = CALL[: CALL.index('"}}')]

    assert heard([text], cut=True) == [Called("Bash", '{"command": "ls', broken=True)]
    assert heard([text], cut=True, streams=False) == [text]
