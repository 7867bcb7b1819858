import asyncio

from support.exchanges import exchange
from support.recorded import keep


def test_without_a_recording_it_is_one_sentence_and_exit_code_1(lingma_proxy):
    refused = lingma_proxy("replay")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("lingma-proxy: Nothing has been recorded yet.")


def test_what_would_be_sent_can_be_seen_first(lingma_proxy, tmp_path):
    asyncio.run(keep(tmp_path, exchange("req_1a")))
    words = ("--dry-run", "--model", "qwen", "--url", "http://127.0.0.1:9/", "--api-key", "secret")
    shown = lingma_proxy("replay", "1a", *words, LINGMA_PROXY_DATA_DIR=str(tmp_path))

    assert shown.exit_code == 0
    assert shown.stdout.startswith("curl -N http://127.0.0.1:9/v1/chat/completions")
    assert '"model":"qwen"' in shown.stdout
    assert "secret" not in shown.stdout


def test_its_help_has_examples(lingma_proxy):
    assert "lingma-proxy replay last --dry-run" in lingma_proxy("replay", "--help").stdout
