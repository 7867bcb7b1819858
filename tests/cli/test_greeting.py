import click

from lingma_proxy.backends.choice import Presence
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.cli.greeting import greeting
from lingma_proxy.gateway import Behind
from lingma_proxy.settings import Origin, Settings

URL = "http://127.0.0.1:8095"
AUTO, UNSET = Settings(), Origin("default")
LOGIN = Presence(found=True, says="the login of ~/.x (user …1234, until 2027-01-15)")
MISSING = Presence(found=False, says="no login was found")


def behind(name="remote", presence=LOGIN, reason="It is the first that is there.", hurdle=""):
    return Behind(
        Scripted([]),
        name=lambda: name,
        presence=lambda: presence,
        reason=lambda: reason,
        hurdle=lambda: hurdle,
    )


FOUND = behind()
NOBODY = behind(presence=MISSING, reason="Nobody was found yet.", hurdle="Log in there.")
SIMULATOR = behind("simulator")


def said(who=FOUND, settings=AUTO, key=UNSET):
    lines = list(map(click.unstyle, greeting(URL, settings, who, key)))
    assert max(map(len, lines)) <= 80
    return " ".join(" ".join(lines).split())


def test_it_says_where_it_listens_and_how_clients_get_there():
    first, *rest = greeting(URL, AUTO, FOUND, UNSET)

    assert click.unstyle(first).endswith(f"listens on {URL}")
    assert f"  OpenAI   OPENAI_BASE_URL={URL}/v1" in rest
    assert f"  Claude   ANTHROPIC_BASE_URL={URL}" in rest
    assert f"  Ollama   OLLAMA_HOST={URL}" in rest


def test_it_says_who_answers_and_if_nobody_named_them_why():
    assert "answers Lingma, with the login of ~/.x (user …1234, until 2027-01-15)" in said()
    assert "Backend remote: it is the first that is there." in said()
    assert "Backend" not in said(settings=Settings(backend="remote"))


def test_the_plugin_and_an_agent_are_called_what_they_are():
    plugin = said(
        behind("ipc", Presence(found=True, says="Qoder CN is running (~/.qodercn/.info)"))
    )
    agent = said(behind("acp", Presence(found=True, says="opencode is installed")))

    assert "answers the plugin on this machine: Qoder CN is running (~/.qodercn/.info)" in plugin
    assert "tools" not in plugin
    assert "answers an agent on this machine: opencode is installed" in agent
    assert "tools" not in agent


def test_an_agent_that_a_person_starts_as_they_like_may_use_its_tools():
    agent = behind("acp", Presence(found=True, says="opencode is installed"))

    assert "It may use tools of its own" in said(agent, Settings(acp_command="opencode acp"))
    assert "tools" not in said(agent, Settings(acp_command="opencode"))


def test_the_simulator_is_called_what_it_is():
    assert "made up by the built-in simulator" in said(SIMULATOR)
    assert "No Lingma login" not in said(SIMULATOR)
    assert "No Lingma login was found" in said(SIMULATOR, Settings(simulate_without_login=True))


def test_without_anybody_it_says_what_to_do():
    assert "nobody yet: requests get 401 Log in there." in said(NOBODY)
    assert "Backend remote: nobody was found yet." in said(NOBODY)
    assert "--backend simulator" in said(NOBODY)
    closed = behind("ipc", Presence(found=False, says="it is not open"))
    assert "nobody yet: requests get 503" in said(closed, Settings(backend="ipc"))


def test_it_says_which_key_is_wanted():
    assert "none is needed" in said()
    keyed = said(
        settings=Settings(api_key="canary"), key=Origin("environment", "LINGMA_PROXY_API_KEY")
    )
    assert "the one from LINGMA_PROXY_API_KEY" in keyed
    assert "canary" not in keyed


def test_it_fits_80_columns_however_much_there_is_to_say():
    long = "a long story about many places and what was found there; " * 6
    said(behind("ipc", Presence(found=True, says=long), reason=long))
    said(behind(presence=MISSING, reason=long, hurdle=long))
