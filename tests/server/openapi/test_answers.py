import jsonschema_rs
import pytest

from lingma_proxy.server.openapi.answers import ANSWERS, answer, stream


@pytest.mark.parametrize("name", ANSWERS)
def test_each_is_a_schema(name):
    jsonschema_rs.meta.validate(ANSWERS[name])


def test_an_answer_is_named_and_a_stream_is_left_undescribed():
    assert answer("Message") == {
        "application/json": {"schema": {"$ref": "#/components/schemas/Message"}}
    }
    assert stream("text/event-stream") == {"text/event-stream": {}}
    with pytest.raises(AssertionError):
        answer("Nothing")
