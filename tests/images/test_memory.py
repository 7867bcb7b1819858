from lingma_proxy.images.memory import Memory


def test_what_is_remembered_is_found():
    memory = Memory[str, bytes](100, len)
    memory.put("a", b"1")

    assert memory.get("a") == b"1"
    assert memory.get("b") is None


def test_what_was_not_wanted_for_longest_goes_first():
    memory = Memory[str, bytes](3, len)
    for key in "abc":
        memory.put(key, b"1")
    memory.get("a")
    memory.put("d", b"1")

    assert [memory.get(key) for key in "abcd"] == [b"1", None, b"1", b"1"]


def test_it_never_holds_more_than_it_may():
    memory = Memory[int, bytes](100, len)
    for key in range(1000):
        memory.put(key % 7, b"x" * (key % 150))

        assert memory.weight == sum(len(memory.get(each) or b"") for each in range(7)) <= 100


def test_a_key_is_held_once():
    memory = Memory[str, bytes](100, len)
    memory.put("a", b"12345")
    memory.put("a", b"1")

    assert (len(memory), memory.weight) == (1, 1)
