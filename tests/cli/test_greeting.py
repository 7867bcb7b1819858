import click

from lingma_proxy.cli.greeting import greeting
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.settings import Origin, Settings
from lingma_proxy.vendor.credentials import Credentials

URL = "http://127.0.0.1:8095"
NOBODY = NotLoggedIn("There is no login. Log in there.")
LOGIN = Credentials("canary", "canary", "canary-1234", "canary", 1_800_014_400_000, source="~/.x")


PLAIN = Settings()
UNSET = Origin("default")


BEFORE, AFTER = 1_700_000_000, 1_900_000_000


def said(settings=PLAIN, login=LOGIN, key=UNSET, now=BEFORE):
    return click.unstyle("\n".join(greeting(URL, settings, login, key, now)))


def test_it_says_where_it_listens_and_how_clients_get_there():
    lines = said().splitlines()

    assert lines[0].endswith(f"listens on {URL}")
    assert f"OPENAI_BASE_URL={URL}/v1" in said()
    assert f"ANTHROPIC_BASE_URL={URL}" in said()


def test_it_says_whose_login_answers_without_its_secrets():
    assert "Lingma, with the login of ~/.x (user …1234, until 2027-01-15)" in said()
    assert "canary" not in said()


def test_a_login_that_has_ended_is_said_to_have_ended():
    assert "It ended on 2027-01-15: open the IDE" in said(now=AFTER)


def test_the_simulator_is_called_what_it_is():
    assert "made up by the built-in simulator" in said(Settings(backend="simulator"))
    assert "No Lingma login" not in said(Settings(backend="simulator"))
    asked = Settings(backend="simulator", simulate_without_login=True)
    assert "No Lingma login was found" in said(asked, NOBODY)


def test_without_a_login_it_says_what_to_do():
    assert "nobody yet: requests get 401" in said(login=NOBODY)
    assert "Log in there." in said(login=NOBODY)
    assert "--backend simulator" in said(login=NOBODY)


def test_it_says_which_key_is_wanted():
    assert "none is needed" in said()
    keyed = said(Settings(api_key="canary"), key=Origin("environment", "LINGMA_PROXY_API_KEY"))
    assert "the one from LINGMA_PROXY_API_KEY" in keyed
    assert "canary" not in keyed


def test_it_fits_80_columns_however_much_there_is_to_say():
    nobody = NotLoggedIn("There is no login, and a long story about places. " * 4)
    simulated = Settings(backend="simulator", simulate_without_login=True)
    for text in (said(login=nobody), said(simulated, nobody), said(now=AFTER)):
        assert max(map(len, text.splitlines())) <= 80
