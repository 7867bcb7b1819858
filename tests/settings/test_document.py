import pytest

from lingma_proxy.settings.document import markdown
from lingma_proxy.settings.inert import INERT
from lingma_proxy.settings.table import TABLE


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_the_document_tells_all_of_a_setting(setting):
    section = markdown().partition(f"### {setting.name}\n")[2].partition("\n##")[0]

    for fact in (setting.help, setting.kind.allowed, f"`{setting.flag}`", f"`{setting.variable}`"):
        assert fact in section


def test_the_document_names_what_has_no_effect():
    end = markdown().partition("1.6")[2]

    assert all(f"`{setting.name}`" in end for setting in INERT if setting.in_file)
