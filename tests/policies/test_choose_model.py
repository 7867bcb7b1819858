from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backend import Model
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.errors import ModelNotFound
from lingma_proxy.policies.choose_model import ChooseModel, Names, resolve
from support.backends import answer, ask, hear, heard

AUTO = Model("org_auto", "Auto")
KIMI = Model("kmodel", "Kimi-K2.6")
CODER = Model("dashscope_qwen3_coder", "Qwen3-Coder")
MAX = Model("dashscope_qwen_max_latest", "Qwen3-Max", enabled=False)
LIST = [AUTO, KIMI, CODER, MAX]
NAMES = Names(
    default="Kimi-K2.6",
    aliases={"fast": "Qwen3-Coder", "Kimi-K2.6": "kmodel", "MiniMax-M2.7": "mmodel"},
    foreign={"claude-*haiku*": "fast", "claude-*": "", "gpt-*": "kmodel"},
    claude_names=True,
    vendor_keys=frozenset({"kmodel", "mmodel", "org_auto"}),
)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("", "kmodel"),
        ("kmodel", "kmodel"),
        ("dashscope_qwen3_coder", "dashscope_qwen3_coder"),
        ("kimi-k2.6", "kmodel"),
        ("QWEN3-CODER", "dashscope_qwen3_coder"),
        ("KModel", "kmodel"),
        ("FAST", "dashscope_qwen3_coder"),
        ("mmodel", "mmodel"),  # usable, though not listed
        ("minimax-m2.7", "mmodel"),
        ("kmodel:latest", "kmodel"),
        ("fast:latest", "dashscope_qwen3_coder"),
        ("claude-kmodel:latest", "kmodel"),
        ("auto", "org_auto"),
        ("Auto", "org_auto"),
        ("claude-kmodel", "kmodel"),
        ("claude-Qwen3-Coder", "dashscope_qwen3_coder"),
        ("claude-auto", "org_auto"),
        ("claude-sonnet-4-5", "kmodel"),
        ("claude-haiku-4-5-20251001", "dashscope_qwen3_coder"),
        ("claude-claude-kmodel", "kmodel"),  # not a name of ours: one of theirs
        ("Claude-Opus-5[1m]", "kmodel"),
        ("GPT-5.5", "kmodel"),
        ("dashscope_qwen_max_latest", "dashscope_qwen_max_latest"),  # disabled: the vendor decides
    ],
)
def test_a_name_means_a_key(name: str, key: str) -> None:
    assert resolve(name, LIST, NAMES) == key


def test_a_listed_key_means_itself_whatever_the_aliases_say() -> None:
    names = Names("", aliases={"kmodel": "org_auto"})

    assert resolve("kmodel", LIST, names) == "kmodel"


def test_an_alias_goes_before_the_names_on_the_list() -> None:
    assert resolve("qwen3-coder", LIST, Names("", aliases={"Qwen3-Coder": "kmodel"})) == "kmodel"


@pytest.mark.parametrize(
    ("models", "key"),
    [
        ([], "kmodel"),
        ([KIMI], "kmodel"),
        ([Model("kmodel_latest", "Kimi-K2.6")], "kmodel_latest"),
        ([CODER], "kmodel"),
    ],
)
def test_the_lists_own_names_go_before_the_usual_ones(models, key) -> None:
    names = Names("", usual={"kimi-k2.6": "kmodel"})

    assert resolve("Kimi-K2.6", models, names) == key


@pytest.mark.parametrize(
    ("models", "aliases", "key"),
    [
        (LIST, {}, "org_auto"),
        (LIST, {"Auto": "org_auto"}, "org_auto"),
        (LIST, {"AUTO": "Kimi-K2.6"}, "kmodel"),
        ([Model("auto", "Auto"), KIMI], {}, "auto"),
        ([KIMI], {"Auto": "org_auto"}, "org_auto"),
        ([KIMI], {}, ""),
        ([], {}, "org_auto"),
    ],
)
@pytest.mark.parametrize("name", ["Auto", "AUTO"])
def test_auto_is_the_users_meaning_else_the_listed_key_else_the_servers_choice(
    models, aliases, key, name
) -> None:
    assert resolve(name, models, Names("", aliases=aliases)) == key


@pytest.mark.parametrize(
    ("models", "key"),
    [
        ([KIMI, Model("m2", "M2", is_default=True)], "m2"),
        ([KIMI, AUTO], "org_auto"),
        ([KIMI], ""),
        ([], "org_auto"),
    ],
)
def test_without_a_default_setting_the_list_says_or_auto(models, key) -> None:
    assert resolve("", models, Names("")) == key


def test_what_a_setting_names_goes_to_the_vendor_even_when_nobody_knows_it() -> None:
    names = Names("hidden", aliases={"secret": "hidden2"}, foreign={"gpt-*": "hidden3"})

    assert resolve("", LIST, names) == "hidden"
    assert resolve("secret", LIST, names) == "hidden2"
    assert resolve("gpt-9", LIST, names) == "hidden3"


def test_an_empty_alias_is_the_default() -> None:
    assert resolve("usual", LIST, Names("kmodel", aliases={"usual": ""})) == "kmodel"


def test_before_a_list_is_known_unknown_names_pass() -> None:
    assert resolve("qwen-next", [], NAMES) == "qwen-next"
    assert resolve("claude-sonnet-4-5", [], NAMES) == "kmodel"


def test_of_two_models_with_one_name_the_enabled_one_is_meant() -> None:
    models = [Model("old", "Qwen", enabled=False), Model("new", "Qwen")]

    assert resolve("qwen", models, Names("")) == "new"


def test_claude_names_are_only_ours_when_the_setting_says_so() -> None:
    with pytest.raises(ModelNotFound):
        resolve("claude-kmodel", LIST, Names("kmodel"))


def test_a_claude_name_has_one_claude_in_front() -> None:
    names = replace(NAMES, default="mmodel")

    assert resolve("claude-kmodel", LIST, names) == "kmodel"
    assert resolve("claude-" * 100_000 + "kmodel", LIST, names) == "mmodel"


def test_an_unknown_name_is_told_its_neighbours() -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve("qwen3-codr", LIST, NAMES)

    assert '"qwen3-codr"' in caught.value.message
    assert "dashscope_qwen3_coder (Qwen3-Coder)" in caught.value.message
    assert "lingma-proxy models" in caught.value.message


def test_a_disabled_model_is_nobodys_neighbour() -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve("qwen3-maxx", LIST, NAMES)

    assert "qwen_max" not in caught.value.message


def test_an_endless_name_makes_a_short_message() -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve("x" * 1_000_000, LIST, NAMES)

    assert len(caught.value.message) < 500


words = st.sampled_from(["", "a", "A", "b", "c", "auto", "claude-a", "claude-claude-b", "gpt"])


@given(
    words,
    words,
    st.dictionaries(words, words),
    st.dictionaries(st.sampled_from(["a", "*", "c*", "claude-*"]), words),
    st.booleans(),
    st.lists(words.map(lambda word: Model(word, word.upper()))),
)
def test_whatever_circles_the_settings_run_in_there_is_an_answer(
    name, default, aliases, foreign, claude_names, models
) -> None:
    names = Names(default, aliases, foreign, claude_names)
    try:
        key = resolve(name, models, names)
    except ModelNotFound:
        assert name
    else:
        assert isinstance(key, str)


def choosing(inner: Scripted, models=LIST, missed=lambda: None) -> ChooseModel:
    names = Names(
        "kmodel", {"fast": "Qwen3-Coder"}, {"claude-*": ""}, vendor_keys=frozenset({"mmodel"})
    )
    return ChooseModel(inner, lambda: models, lambda: names, missed=missed)


async def test_the_vendor_is_asked_for_the_key() -> None:
    inner = Scripted([answer("hello")])

    await hear(choosing(inner), ask("hi", model="Fast"))

    assert inner.requests == [ask("hi", model="dashscope_qwen3_coder")]


async def test_what_a_name_means_is_noted() -> None:
    noted = ExchangeNotes("req_1", "POST", "/", 0.0)
    asked = replace(ask("hi", model="Fast"), notes=noted)

    await hear(choosing(Scripted([answer("hello")])), asked)

    assert noted.meant_model == "dashscope_qwen3_coder"


async def test_an_unknown_model_is_refused_before_anything_is_asked() -> None:
    inner = Scripted([])
    misses: list[bool] = []

    events, error = await heard(
        choosing(inner, missed=lambda: misses.append(True)), ask(model="nonsense")
    )

    assert events == []
    assert isinstance(error, ModelNotFound)
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert inner.requests == []
    assert misses == [True]


async def test_a_name_means_another_model_once_the_list_is_another() -> None:
    lists = [(Model("old", "Best"),), (Model("new", "Best"),)]
    names = Names()
    policy = ChooseModel(Scripted([]), lambda: lists[0], lambda: names)

    assert [policy.resolve("best"), policy.resolve("best")] == ["old", "old"]
    lists.pop(0)
    assert policy.resolve("best") == "new"


async def test_a_name_means_another_model_once_somebody_else_answers() -> None:
    meanings = [Names("kmodel", vendor_keys=frozenset({"kmodel"})), Names(auto="")]
    policy = ChooseModel(Scripted([]), tuple, lambda: meanings[0])

    assert [policy.resolve(name) for name in ("", "auto")] == ["kmodel", "org_auto"]
    meanings.pop(0)
    assert [policy.resolve(name) for name in ("", "auto")] == ["", ""]


async def test_names_without_end_are_not_kept() -> None:
    names = Names()
    policy = ChooseModel(Scripted([]), tuple, lambda: names)

    for number in range(1000):
        assert policy.resolve(f"made-up-{number}") == f"made-up-{number}"

    assert len(policy._resolved) <= 201


def test_a_tag_that_the_list_itself_has_is_kept():
    tagged = Model("qwen3:latest", "Qwen 3")

    assert resolve("qwen3:latest", [tagged, Model("qwen3", "Another")], Names()) == "qwen3:latest"
