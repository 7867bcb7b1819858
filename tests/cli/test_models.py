import json

from lingma_proxy.cli.models import row


def test_the_models_are_a_table_or_json(lingma_proxy):
    table = lingma_proxy("models", "--backend", "simulator")
    whole = lingma_proxy("models", "--backend", "simulator", "--json")
    ids = [model["id"] for model in json.loads(whole.stdout)["data"]]
    header, *lines = table.stdout.splitlines()

    assert header.split() == ["MODEL", "NAME", "CONTEXT", "OUTPUT"]
    assert [line.split()[0] for line in lines] == ids
    assert "kmodel" in ids


def test_without_a_login_it_is_one_sentence_and_exit_code_1(lingma_proxy):
    listed = lingma_proxy("models", "--port", "0")

    assert (listed.exit_code, listed.stdout) == (1, "")
    assert "Log in" in listed.stderr


def test_what_nobody_knows_is_a_dash():
    assert row({"id": "a", "name": "A"}) == ("a", "A", "-", "-")
    assert row({"id": "a", "context_window": 256000}) == ("a", "-", "256,000", "-")
