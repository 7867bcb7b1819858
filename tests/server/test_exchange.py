from lingma_proxy.server.exchange import new_request_id


def test_request_ids_do_not_repeat():
    ids = {new_request_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(id.startswith("req_") and len(id) == 28 for id in ids)
