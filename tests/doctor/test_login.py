from pathlib import Path

import pytest

from lingma_proxy.backends.login import Login
from lingma_proxy.doctor import login as subject
from lingma_proxy.doctor.finding import Level
from lingma_proxy.doctor.login import check_login, runtimes_found
from lingma_proxy.simulator.home import new_login, write_credentials, write_home
from lingma_proxy.vendor.places import Machine

DAY = 24 * 3600
NOW = 1_800_014_400.0  # noon, so that it is one day in most time zones


def machine(home):
    return Machine("linux", home, {})


async def examined(home):
    login = Login(machine=machine(home), now=lambda: NOW)
    try:
        return await check_login(login, lambda: NOW)
    finally:
        await login.aclose()


def log_in(home, days, layout=".lingma", **how):
    return write_home(home, new_login(clock=lambda: NOW, lifetime=days * DAY), layout=layout, **how)


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [
        (30, Level.OK, "until 2027-02-14, 30 days"),
        (6, Level.WARNING, "it ends on 2027-01-21, in 6 days"),
        (-1, Level.PROBLEM, "it ended on 2027-01-14, 1 day ago"),
    ],
)
async def test_a_login_is_told_with_its_end_and_without_its_secrets(tmp_path, days, level, words):
    person = log_in(tmp_path, days)
    (finding,) = await examined(tmp_path)

    assert finding.level is level
    assert finding.found == f"~/.lingma, user …{person.uid[-4:]}; {words}"
    assert person.uid not in finding.found
    assert bool(finding.cure) == (level is not Level.OK)


async def test_without_a_login_it_is_told_what_to_do(tmp_path):
    (finding,) = await examined(tmp_path)

    assert finding.level is Level.PROBLEM
    assert "Log in" in finding.cure


async def test_a_login_that_cannot_be_used_beside_a_good_one_is_a_warning(tmp_path):
    log_in(tmp_path, 30)
    log_in(tmp_path, 30, layout=".qodercn", corrupt=True)
    good, broken = await examined(tmp_path)

    assert (good.level, broken.level) == (Level.OK, Level.WARNING)
    assert "~/.qodercn" in broken.found


async def test_of_several_it_is_told_which_is_used_and_why(tmp_path):
    log_in(tmp_path, 30)
    log_in(tmp_path, 40, layout=".qodercn")
    used, others = await examined(tmp_path)

    assert used.found.startswith("~/.qodercn")
    assert others.found == "not used: ~/.lingma; it is in the first place that has one"


async def test_a_login_that_others_can_read_is_no_failure_but_told(tmp_path, monkeypatch):
    log_in(tmp_path, 30)
    monkeypatch.setattr(subject, "open_to_others", lambda file: file.name == "user")
    good, seen = await examined(tmp_path)

    assert (good.level, seen.level) == (Level.OK, Level.WARNING)
    assert seen.cure == "chmod 600 ~/.lingma/cache/user"


async def test_what_to_do_about_the_end_depends_on_where_the_login_is(tmp_path):
    write_credentials(
        tmp_path / ".config/lingma-proxy/login.json", new_login(clock=lambda: NOW, lifetime=3000)
    )
    (finding,) = await examined(tmp_path)

    assert finding.found.endswith("in 50 minutes")
    assert "lingma-proxy login import" in finding.cure


def test_folders_of_the_vendor_are_named(tmp_path):
    (before,) = runtimes_found(machine(tmp_path))
    Path(tmp_path / ".lingma").mkdir()
    (after,) = runtimes_found(machine(tmp_path))

    assert (before.level, after.level) == (Level.WARNING, Level.OK)
    assert after.found == "~/.lingma"


def test_folders_of_the_vendor_are_not_missed_where_a_setting_names_the_login(tmp_path):
    (finding,) = runtimes_found(machine(tmp_path), needed=False)

    assert (finding.level, finding.cure) == (Level.OK, "")
