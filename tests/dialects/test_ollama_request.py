import pytest

from lingma_proxy.conversation.request import (
    Image,
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
)
from lingma_proxy.dialects.ollama_messages import UNNAMED
from lingma_proxy.dialects.ollama_request import decode_chat, decode_generate
from lingma_proxy.errors import InvalidRequest

HI = [{"role": "user", "content": "Hi"}]


def chat(**fields):
    return decode_chat({"model": "m", "messages": HI, **fields}, "req_1")


def generate(**fields):
    return decode_generate({"model": "m", "prompt": "Hi", **fields}, "req_1")


@pytest.mark.parametrize("ask", [chat, generate])
def test_a_stream_is_wanted_unless_it_is_not(ask):
    assert ask().stream
    assert ask(stream=None).stream
    assert ask(stream=True).stream
    assert not ask(stream=False).stream


def test_a_prompt_is_a_conversation_of_one_question():
    assert generate(system="Be brief.", images=["aGk="]).request.messages == (
        Message("system", (Text("Be brief."),)),
        Message("user", (Image(UNNAMED, b"hi"), Text("Hi"))),
    )
    assert generate(system="").request.messages == (Message("user", (Text("Hi"),)),)


def test_a_picture_without_words_is_a_question_too():
    asked = generate(prompt="", images=["aGk="])

    assert asked.asks
    assert asked.request.messages == (Message("user", (Image(UNNAMED, b"hi"),)),)


@pytest.mark.parametrize("nothing", [{"prompt": ""}, {"prompt": None, "system": "Be brief."}])
def test_without_a_prompt_nothing_is_asked(nothing):
    assert not generate(**nothing).asks


def test_without_messages_nothing_is_asked():
    assert not chat(messages=[]).asks
    assert not chat(messages=None).asks
    assert chat().asks


@pytest.mark.parametrize(
    ("keep_alive", "unloads"),
    [(0, True), (0.0, True), ("0", True), ("0s", True), ("0m", True), ("0ms", True),
     (None, False), ("5m", False), (-1, False), ("-1", False), (False, False), ("1h0m", False), ([], False)],
)  # fmt: skip
def test_no_time_to_live_unloads(keep_alive, unloads):
    assert chat(messages=[], keep_alive=keep_alive).unloads is unloads


def test_options_are_the_sampling():
    options = {
        "temperature": 0,
        "top_p": 0.9,
        "top_k": 40.0,
        "seed": 7,
        "num_predict": 100,
        "stop": ["a", "b"],
        "presence_penalty": 1.5,
        "frequency_penalty": -2,
    }

    assert chat(options=options).request.sampling == Sampling(
        temperature=0,
        top_p=0.9,
        top_k=40,
        seed=7,
        max_tokens=100,
        stop=("a", "b"),
        presence_penalty=1.5,
        frequency_penalty=-2,
    )
    assert chat(options=options).warnings == ()


def test_what_means_no_limit_is_none():
    for unlimited in (-1, -2, 0):
        assert chat(options={"num_predict": unlimited}).request.sampling.max_tokens is None
    assert chat(options={"top_k": 0}).request.sampling.top_k is None
    assert chat(options={"stop": "x"}).request.sampling.stop == ("x",)


@pytest.mark.parametrize(
    ("think", "reasoning"),
    [
        (None, Reasoning()),
        (True, Reasoning(wanted=True)),
        (False, Reasoning(wanted=False, shown=False)),
        ("low", Reasoning(wanted=True, effort="low")),
        ("max", Reasoning(wanted=True, effort="max")),
        ("none", Reasoning(wanted=False, effort="none", shown=False)),
    ],
)
def test_whether_and_how_hard_to_think(think, reasoning):
    assert chat(think=think).request.reasoning == reasoning
    assert generate(think=think).request.reasoning == reasoning


def test_a_level_of_thinking_that_nobody_knows_is_named():
    asked = chat(think="very")

    assert asked.request.reasoning == Reasoning()
    assert asked.warnings == ("think: it is true, false, or one of none, minimal, low, medium, high, xhigh, max.",)  # fmt: skip


@pytest.mark.parametrize(
    ("format", "wanted"),
    [
        (None, None),
        ("", None),
        ("json", ResponseFormat()),
        ({"type": "object"}, ResponseFormat({"type": "object"})),
    ],
)
def test_json_and_schemas(format, wanted):
    assert chat(format=format).request.response_format == wanted


def test_tools_and_none():
    tool = {"type": "function", "function": {"name": "shell", "description": "Runs."}}

    (declared,) = chat(tools=[tool]).request.tools
    assert (declared.name, declared.description) == ("shell", "Runs.")
    assert chat(tools=[]).request.tools == ()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"logprobs": True, "top_logprobs": 3}, ["logprobs", "top_logprobs"]),
        ({"logprobs": False, "top_logprobs": 0}, []),
        ({"template": "{{ .Prompt }}"}, ["template"]),
        ({"template": ""}, []),
        ({"context": [1, 2]}, ["context"]),
        ({"context": []}, []),
        ({"options": {"num_ctx": 4096, "min_p": 0.1}}, ["options.min_p", "options.num_ctx"]),
        ({"options": {"repeat_penalty": 1.1}}, ["options.repeat_penalty"]),
        ({"options": {"repeat_penalty": 1.0, "min_p": 0, "mirostat": 0}}, []),
        ({"options": {"stop": [""]}}, ["options.stop"]),
        ({"options": {"num_gpu": 1, "use_mmap": True, "never heard of": 1}}, []),
        ({"keep_alive": "5m", "never heard of": 1}, []),
    ],
)
def test_what_is_not_honoured_is_named(fields, named):
    assert [warning.partition(": ")[0] for warning in generate(**fields).warnings] == named


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"raw": True}, "raw cannot be done"),
        ({"suffix": "}"}, "suffix cannot be done"),
        ({"prompt": ["Hi"]}, "prompt is a string"),
        ({"stream": "no"}, "stream is true or false"),
        ({"options": [1]}, "options is an object"),
        ({"options": {"temperature": "hot"}}, "options.temperature is a number"),
        ({"options": {"num_predict": 1.5}}, "options.num_predict is a whole number"),
        ({"options": {"stop": 3}}, "options.stop is a string"),
        ({"think": 3}, "think is true or false"),
        ({"format": "yaml"}, 'format is "json"'),
        ({"tools": ["shell"]}, r"tools\[0\]"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(fields, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        generate(**fields)


def test_no_suffix_and_not_raw_are_as_good_as_nothing():
    assert generate(raw=False, suffix="").asks


def test_calls_and_results_must_fit_together():
    calling = {"role": "assistant", "tool_calls": [{"function": {"name": "a"}}]}

    with pytest.raises(InvalidRequest, match="has no result"):
        chat(messages=[*HI, calling, *HI])
