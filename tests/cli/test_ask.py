import pytest

SIMULATED = ("--backend", "simulator")


@pytest.mark.parametrize(
    ("words", "stdin", "wanted"),
    [
        (["exactly one word: pong"], "", "pong\n"),
        (["exactly", "one", "word:", "pong"], "", "pong\n"),
        (["--no-stream", "exactly one word: pong"], "", "pong\n"),
        (["-"], "exactly one word: pong", "pong\n"),
    ],
)
def test_the_answer_is_on_standard_output_and_nothing_else(lingma_proxy, words, stdin, wanted):
    asked = lingma_proxy("ask", *SIMULATED, *words, stdin=stdin)

    assert (asked.exit_code, asked.stdout, asked.stderr) == (0, wanted, "")


def test_what_stands_on_standard_input_joins_the_question(lingma_proxy):
    asked = lingma_proxy("ask", *SIMULATED, "Review this:", "-", stdin="+ one line")

    assert "Review this:\n\n+ one line" in asked.stdout


@pytest.mark.parametrize("words", [[" "], ["-"]])
def test_no_question_is_exit_code_2(lingma_proxy, words):
    asked = lingma_proxy("ask", *SIMULATED, *words)

    assert asked.exit_code == 2
    assert asked.stderr.endswith("Error: There is no question.\n")


def test_without_a_login_it_is_one_sentence_on_standard_error(lingma_proxy):
    asked = lingma_proxy("ask", "--port", "0", "Hello?")

    assert (asked.exit_code, asked.stdout) == (1, "")
    assert asked.stderr.startswith("lingma-proxy: No Lingma login was found.")
    assert asked.stderr.count("\n") == 1


def test_a_model_that_is_not_there_is_named(lingma_proxy):
    asked = lingma_proxy("ask", *SIMULATED, "-m", "no-such-model", "Hello?")

    assert asked.exit_code == 1
    assert "no-such-model" in asked.stderr
