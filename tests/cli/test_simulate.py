from click.testing import CliRunner

from lingma_proxy.cli.main import commands
from lingma_proxy.cli.simulate import INFO


def run(*words):
    return CliRunner().invoke(commands, ["simulate", *words], prog_name="lingma-proxy")


def test_it_writes_over_no_login_that_it_did_not_make(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "user").write_text("a real one")
    result = run("--home", str(tmp_path))

    assert result.exit_code == 2
    assert "choose another folder" in result.stderr
    assert (tmp_path / "cache" / "user").read_text() == "a real one"


def test_it_writes_over_no_file_of_a_plugin_that_it_did_not_make(tmp_path):
    info = tmp_path / INFO
    info.parent.mkdir(parents=True)
    info.write_text("a real one")
    result = run("--plugin", "--home", str(tmp_path))

    assert result.exit_code == 2
    assert "choose another folder" in result.stderr
    assert info.read_text() == "a real one"


def test_a_fault_that_it_has_not_is_refused_with_those_it_has():
    result = run("--fault", "earthquake")

    assert result.exit_code == 2
    assert "stall" in result.stderr
    assert "no-finish" in run("--plugin", "--fault", "earthquake").stderr


def test_the_faults_are_listed():
    result = run("--list-faults")

    assert result.exit_code == 0
    assert "\nstall" in result.output
    assert "\nno-finish" in result.output
