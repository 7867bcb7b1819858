from dataclasses import dataclass, fields

from lingma_proxy.settings.kinds import Secret, Text
from lingma_proxy.settings.setting import setting


@dataclass(frozen=True)
class Two:
    key: str = setting("", Secret(), "A key.", group="Keys")
    name: str = setting("x", Text("a name"), "A name.", group="Names", variable="NAME")


def test_a_secret_is_not_in_the_representation():
    assert "canary" not in repr(Two(key="canary"))
    assert "canary" in repr(Two(name="canary"))


def test_what_is_known_of_a_setting_stands_beside_it():
    key, name = fields(Two)

    assert (key.metadata["help"], key.metadata["variable"]) == ("A key.", "")
    assert (name.metadata["group"], name.metadata["variable"]) == ("Names", "NAME")
