"""Every way in which the simulator can break, through the whole program.

`EXPECTED` says for each fault what an unstreamed request and a streamed one come to.  A
fault that is not in it fails a test: somebody has to think about it.
"""

import asyncio
from typing import Any

import pytest

from lingma_proxy.gateway import remote
from lingma_proxy.jsonio import loads
from lingma_proxy.settings import Settings
from lingma_proxy.simulator.faults import FAULTS
from lingma_proxy.simulator.remote import Simulator
from support.heard import heard
from support.served import DIALECTS, serving

FINE = (200, 0)
"""The whole answer, and no error."""
PATIENCE: dict[str, dict[str, Any]] = {
    "hang": {"first_byte_timeout": 0.4},
    "hang-first": {"first_byte_timeout": 0.4},
    "stall": {"idle_timeout": 0.4},
}
"""Little where nothing will come; elsewhere the usual, for a machine may be slow."""

EXPECTED: dict[str, tuple[int, int]] = {
    # fault: (status of the unstreamed answer, errors inside the streamed one when that is 200)
    "signature": (401, 0),
    "signature=event": (401, 0),
    "auth-payload": (400, 0),
    "user-invalid": (401, 0),
    "no-such-key": (502, 0),
    "quota": (429, 0),
    "quota=http": (429, 0),
    "rate-limit": (429, 0),
    "status=500": (502, 0),
    "status=418": (400, 0),
    "status=408": (504, 0),
    "unavailable": (502, 0),
    "error": (502, 0),
    "error=429": (429, 0),
    "error-after": (502, 1),
    "drop": (503, 0),
    "reset": (503, 0),
    "cut=0": (503, 0),
    "end=0": (502, 0),
    "cut-line": (502, 1),
    "no-finish": (502, 1),
    "hang": (504, 0),
    "hang-first": (504, 0),
    "slow=0.1": FINE,
    "stall": (504, 1),
    "pace=0.01": FINE,
    "comments": FINE,
    "crlf": FINE,
    "space": FINE,
    "split": FINE,
    "dribble": FINE,
    "burst": FINE,
    "long-line": FINE,
    "direct": FINE,
    "empty": FINE,
    "metrics": FINE,
    "done=bare": FINE,
    "done=wrapped": FINE,
    "done=both": FINE,
    "done=none": FINE,
    "garbage": FINE,
    "wrong-type": (502, 0),
    "html": (502, 0),
    "unsuccessful": FINE,  # of uploads only: `test_uploads.py`
    "odd-link": FINE,
    "words=500": FINE,
    "interleave": FINE,
    "no-call-id": FINE,
    "null-content": FINE,
    "finish-with-content": FINE,
    "reasoning": FINE,
    "usage=none": FINE,
    "usage=own": FINE,
    "usage=alias": FINE,
    "usage=finish": FINE,
    "length": FINE,
    "content-filter": FINE,
    "surrogates": FINE,
}


def test_every_fault_is_thought_of():
    assert {fault.partition("=")[0] for fault in EXPECTED} == set(FAULTS)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
@pytest.mark.parametrize("fault", EXPECTED)
async def test_a_fault_comes_to_the_right_end(fault, path):
    status, errors = EXPECTED[fault]
    body = DIALECTS[path]
    async with Simulator() as simulator:
        patience = PATIENCE.get(fault, {})
        settings = Settings(remote_base_url=simulator.url, cache_dir=str(simulator.home))
        async with serving(remote(settings).backend, **patience) as served:
            simulator.next(fault, times=2)  # a refused signature is tried twice
            whole, data = await served.post(path, body)
            simulator.next(fault, times=2)
            streamed, events = await served.post(path, {**body, "stream": True})

            assert served.gateway.limit.running == 0

    said = heard(path, streamed.status, events)
    assert whole.status == status, data
    if status != 200:
        assert loads(data)["error"]["message"]
        assert not any(secret in data for secret in secrets(simulator))
    assert said.ended == 1
    if errors or status == 200:
        assert (streamed.status, said.errors) == (200, errors), events
    else:
        assert streamed.status == status, events
    assert len(asyncio.all_tasks()) == 1


def secrets(simulator: Simulator) -> list[bytes]:
    login = simulator.login
    return [login.cosy_key.encode(), login.info.encode(), str(simulator.home).encode()]
