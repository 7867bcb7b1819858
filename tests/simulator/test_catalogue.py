from lingma_proxy.simulator.catalogue import ROWS, SCENES, Catalogue


def test_the_list_has_what_a_reader_stumbles_over():
    response = Catalogue().response()
    keys = [entry["key"] for entry in response["chat"]]

    assert keys[:2] == ["org_auto", "kmodel"]
    assert response["inline"][0]["key"] in keys
    assert response["inline"][1]["key"] == ""
    assert {entry["enable"] for entry in response["chat"]} == {True, False}


def test_more_models_can_be_added_and_ours_replaced():
    catalogue = Catalogue([{"key": "mine"}, {"key": "kmodel", "enable": False}])

    assert catalogue.has("mine")
    assert catalogue.enabled("mine")
    assert not catalogue.enabled("kmodel")


def test_auto_is_spelt_three_ways():
    catalogue = Catalogue()

    assert all(catalogue.has(key) and catalogue.enabled(key) for key in ("", "auto", "org_auto"))
    assert not catalogue.has("gpt-7")


def test_the_plugin_lists_the_same_models_in_other_words():
    keys = {offer["key"] for offers in SCENES.values() for offer in offers}

    assert keys == {row.key for row in ROWS if row.enable}
