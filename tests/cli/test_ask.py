import pytest

from support.process import run

SIMULATED = ("--backend", "simulator")


@pytest.mark.parametrize(
    ("words", "stdin", "wanted"),
    [
        (["exactly one word: pong"], "", "PONG\n"),
        (["exactly", "one", "word:", "pong"], "", "PONG\n"),
        (["--no-stream", "exactly one word: pong"], "", "PONG\n"),
        (["-"], "exactly one word: pong", "PONG\n"),
    ],
)
def test_the_answer_is_on_standard_output_and_nothing_else(tmp_path, words, stdin, wanted):
    asked = run(tmp_path, "ask", *SIMULATED, *words, stdin=stdin)

    assert (asked.returncode, asked.stdout, asked.stderr) == (0, wanted, "")


def test_what_stands_on_standard_input_joins_the_question(tmp_path):
    asked = run(tmp_path, "ask", *SIMULATED, "Review this:", "-", stdin="+ one line")

    assert "Review this:\n\n+ one line" in asked.stdout


@pytest.mark.parametrize("words", [[" "], ["-"]])
def test_no_question_is_exit_code_2(tmp_path, words):
    asked = run(tmp_path, "ask", *SIMULATED, *words)

    assert (asked.returncode, asked.stderr) == (2, "lingma-proxy: There is no question.\n")


def test_without_a_login_it_is_one_sentence_on_standard_error(tmp_path):
    asked = run(tmp_path, "ask", "--port", "0", "Hello?")

    assert (asked.returncode, asked.stdout) == (1, "")
    assert asked.stderr.startswith("lingma-proxy: No Lingma login was found.")
    assert asked.stderr.count("\n") == 1


def test_a_model_that_is_not_there_is_named(tmp_path):
    asked = run(tmp_path, "ask", *SIMULATED, "-m", "no-such-model", "Hello?")

    assert asked.returncode == 1
    assert "no-such-model" in asked.stderr
