import json

from lingma_proxy.server.openapi import document
from support.served import scripted

ROUTES = {"/v1/messages": ["POST"], "/health": ["GET"]}


def test_only_what_is_there_is_described():
    paths = document(ROUTES)["paths"]

    assert set(paths["/v1/messages"]) == {"post"}
    assert set(paths["/health"]) == {"get"}
    assert "/v1/chat/completions" not in paths


def test_ids_of_operations_are_unique_and_links_lead_to_them():
    operations = [each for path in document(ROUTES)["paths"].values() for each in path.values()]
    ids = [each["operationId"] for each in operations]
    linked = {
        link["operationId"]
        for each in operations
        for link in each["responses"].get("200", {}).get("links", {}).values()
    }

    assert len(set(ids)) == len(ids)
    assert linked <= set(ids)


async def test_it_is_served_and_its_references_lead_somewhere():
    async with scripted() as served:
        answer, data = await served.get("/openapi.json")

    text = data.decode()
    schemas = json.loads(text)["components"]["schemas"]
    named = {piece.split('"')[0] for piece in text.split("#/components/schemas/")[1:]}
    assert answer.status == 200
    assert answer.content_type == "application/json"
    assert named <= schemas.keys()
    assert schemas.keys() - named <= {"Anything"}, "nothing is described that nobody takes or gets"
