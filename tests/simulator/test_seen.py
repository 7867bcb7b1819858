from lingma_proxy.simulator.seen import Outcome, Seen


async def test_a_request_is_under_way_until_it_is_over():
    seen = Seen("chat", "POST", "/", {}, {})

    assert seen.outcome is Outcome.UNDER_WAY
    assert not seen.over.is_set()


async def test_no_body_is_in_its_repr():
    assert "secret" not in repr(Seen("chat", "POST", "/", {}, {}, raw=b"secret"))
