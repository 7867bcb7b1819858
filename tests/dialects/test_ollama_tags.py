from datetime import datetime

from lingma_proxy.dialects.ollama_tags import listing
from support.models import ACCOUNT


def test_models_have_the_names_that_one_asks_for():
    models = listing(ACCOUNT)["models"]

    assert [model["name"] for model in models] == ["kmodel", "qmodel", "mmodel"]
    assert all(model["model"] == model["name"] for model in models)


def test_no_two_models_share_a_digest():
    digests = [model["digest"] for model in listing(ACCOUNT)["models"]]

    assert len(set(digests)) == 3
    assert all(len(bytes.fromhex(digest)) == 32 for digest in digests)


def test_the_time_can_be_read():
    for model in listing(ACCOUNT)["models"]:
        assert datetime.fromisoformat(model["modified_at"]).tzinfo is not None
