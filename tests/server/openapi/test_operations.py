from lingma_proxy.server.openapi.operations import OPERATIONS
from lingma_proxy.server.openapi.requests import REQUESTS
from support.served import scripted


async def test_every_route_is_described_and_nothing_else():
    async with scripted() as served:
        routes = served.server.routes
    there = {(path, method) for path, methods in routes.items() for method in methods}
    described = {each for each in OPERATIONS if "{" not in each[0]}

    assert described == there


def test_what_an_operation_takes_is_among_the_requests():
    taken = {operation.takes for operation in OPERATIONS.values()} - {""}

    assert taken <= REQUESTS.keys()
