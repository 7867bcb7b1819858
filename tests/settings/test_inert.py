from lingma_proxy.settings.inert import INERT
from lingma_proxy.settings.table import TABLE


def test_what_the_incumbent_takes_in_one_place_only_is_known_too():
    variables = {each.variable for each in (*TABLE, *INERT)}

    assert {"LINGMA_PROXY_MAX_CONCURRENT", "LINGMA_AGGREGATE_TOOL_STREAM"} <= variables
    assert "LINGMA_CACHE_DIR" in variables
    assert "warmup_timeout" in {each.name for each in INERT if each.in_file}


def test_what_has_an_effect_is_not_called_inert():
    assert not {each.name for each in INERT} & {each.name for each in TABLE}
