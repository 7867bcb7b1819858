from lingma_proxy.cli.people import tell, tell_notices
from lingma_proxy.settings import Resolved, Settings


def test_people_are_told_on_standard_error(capsys):
    tell("Hello.")
    tell_notices(Resolved(Settings(), {}, ("one", "two")))

    assert capsys.readouterr() == ("", "Hello.\nnote: one\nnote: two\n")
