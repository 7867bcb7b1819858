from datetime import datetime

from ollama import ListResponse, ProcessResponse, ShowResponse

from lingma_proxy.dialects.ollama_models import listing, running, shown
from support.models import ACCOUNT, KIMI, UNKNOWN


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


def test_all_models_are_running_and_stay():
    models = running(ACCOUNT)["models"]

    assert [model["name"] for model in models] == ["kmodel", "qmodel", "mmodel"]
    assert [model.get("context_length") for model in models] == [256_000, 128_000, None]
    assert all(datetime.fromisoformat(model["expires_at"]).year == 9999 for model in models)


def test_a_model_is_shown_with_what_it_can():
    kimi, unknown = shown(KIMI), shown(UNKNOWN)

    assert kimi["capabilities"] == ["completion", "tools", "vision", "thinking"]
    assert unknown["capabilities"] == ["completion", "tools"]
    architecture = kimi["model_info"]["general.architecture"]
    assert kimi["model_info"][f"{architecture}.context_length"] == 256_000
    assert not any(key.endswith("context_length") for key in unknown["model_info"])


def test_ollamas_own_client_can_read_it_all():
    assert ListResponse(**listing(ACCOUNT)).models[0].model == "kmodel"
    assert ProcessResponse(**running(ACCOUNT)).models[0].context_length == 256_000
    assert ShowResponse(**shown(KIMI)).capabilities == shown(KIMI)["capabilities"]
