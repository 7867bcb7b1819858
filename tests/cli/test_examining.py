import json

import pytest


def test_a_healthy_machine_is_exit_code_0(lingma_proxy):
    examined = lingma_proxy("doctor", "--backend", "simulator", "--port", "0")

    assert (examined.exit_code, examined.stderr) == (0, "")
    assert "\nok    answer" in examined.stdout
    assert "\x1b" not in examined.stdout
    assert max(map(len, examined.stdout.splitlines())) <= 80


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_machine_without_a_login_is_exit_code_1_and_told_the_cure(lingma_proxy, words):
    # A proxy that is not there: what is asked of the vendor's address does not leave this machine.
    nowhere = {"LINGMA_REMOTE_PROXY_URL": "http://127.0.0.1:9"}
    examined = lingma_proxy("doctor", "--port", "0", *words, **nowhere)

    assert examined.exit_code == 1
    if words:
        findings = {each["about"]: each for each in json.loads(examined.stdout)}
        assert findings["login"]["level"] == "problem"
        assert findings["login"]["cure"]
    else:
        assert "\nBAD   login" in examined.stdout
        assert "2 problems to mend." in examined.stdout
