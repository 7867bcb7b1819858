from click.testing import CliRunner

from lingma_proxy.cli.main import commands


def test_wrong_settings_stop_it_before_it_listens(tmp_path):
    file = tmp_path / "broken.json"
    file.write_text('{"port" 1}')
    result = CliRunner().invoke(
        commands, ["serve", "--config", str(file)], prog_name="lingma-proxy"
    )

    assert result.exit_code == 2
    assert "is not JSON: line 1, column 9" in result.stderr
    assert result.stderr.count("\n") == 1
