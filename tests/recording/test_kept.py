from lingma_proxy.recording.kept import KeptBody, Wanted


def test_without_a_wish_everything_is_wanted_but_no_more_than_a_page() -> None:
    wanted = Wanted()

    assert wanted.limit == 50
    assert not any(getattr(wanted, name) for name in Wanted.__slots__ if name != "limit")


def test_a_body_that_was_not_there_is_empty_and_whole() -> None:
    assert KeptBody() == KeptBody("", 0, "")
