from click.testing import CliRunner

from lingma_proxy.cli.main import commands


def test_wrong_settings_are_told_before_anything_is_looked_at():
    result = CliRunner().invoke(commands, ["doctor", "--port", "x"], prog_name="lingma-proxy")

    assert result.exit_code == 2
    assert result.stderr.startswith("lingma-proxy: --port is")
