from lingma_proxy.lately import Lately


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_put_is_there_for_its_time() -> None:
    clock = Clock()
    lately = Lately[str, str](10, 5, clock=clock)
    lately.put("a", "A")
    clock.now = 9.9
    assert lately.get("a") == "A"
    clock.now = 10  # that it was wanted has not made it younger
    assert lately.get("a") is None
    assert len(lately) == lately.weight == 0
    assert lately.get("b") is None


def test_what_was_not_wanted_for_longest_makes_room() -> None:
    lately = Lately[str, str](10, 6, len, Clock())
    for key in "abc":
        lately.put(key, key * 2)
    lately.get("a")
    lately.put("d", "dd")

    assert [lately.get(key) for key in "abcd"] == ["aa", None, "cc", "dd"]
    assert lately.weight == 6


def test_what_is_too_much_alone_is_not_kept() -> None:
    lately = Lately[str, str](10, 3, len, Clock())
    lately.put("a", "aaaa")

    assert len(lately) == lately.weight == 0


def test_a_value_takes_the_place_of_another() -> None:
    lately = Lately[str, str](10, 3, len, Clock())
    lately.put("a", "aaa")
    lately.put("a", "a")

    assert (lately.get("a"), lately.weight) == ("a", 1)
    lately.clear()
    assert (lately.get("a"), lately.weight) == (None, 0)
