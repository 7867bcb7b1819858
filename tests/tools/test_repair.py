import pytest

from lingma_proxy.tools.repair import MOST, closed_by_itself, mended

CURLY = "他说“你好”，then ‘bye’, ] and } ,"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2,],}', {"a": [1, 2]}),
        ('{a: "x", b: [true]}', {"a": "x", "b": [True]}),
        ("{'a': 'x', 'b': None, 'c': True}", {"a": "x", "b": None, "c": True}),
        ('{"a": {"b": 1}', {"a": {"b": 1}}),
        ('{"a": "x" "b": 2}', {"a": "x", "b": 2}),
        ('{"a": 1}}', {"a": 1}),
        ('{"a": "he said "hi" there", "b": 1}', {"a": 'he said "hi" there', "b": 1}),
        (r'{"a": "\d+", "b": "C:\dir"}', {"a": r"\d+", "b": r"C:\dir"}),
        ('{"a": "one\ntwo",}', {"a": "one\ntwo"}),
        (f'{{a: "{CURLY}",}}', {"a": CURLY}),
        ("{“a”: “x”}", {"a": "x"}),
    ],
)
def test_what_can_only_mean_one_thing_is_mended(text: str, meant: object) -> None:
    assert mended(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 5" pipe}',
        '{"a": 1, // two\n "b": 2}',
        '{"a": ' * 400,
        "{" + "'a': 1, " * MOST + "}",
        '{"a": "' + 'x"y' * MOST + '"}',
    ],
)
def test_nothing_is_lost_for_the_sake_of_a_value(text: str) -> None:
    assert mended(text) is None


def test_long_strings_do_not_count() -> None:
    long = "“x” \\n" * 100_000

    assert mended(f'{{a: "{long}",}}') == {"a": long.replace("\\n", "\n")}


def test_a_text_that_closes_what_it_opens_is_closed() -> None:
    assert closed_by_itself('{a: "}", b: [1,],} ')
    assert not closed_by_itself('{a: "}"')
    assert not closed_by_itself("{a: [}")
    assert not closed_by_itself('{a: "x}')
    assert not closed_by_itself("{} and")


def test_quotes_in_a_string_that_does_not_end_are_no_beginnings() -> None:
    text = '{"a": "' + '\\"' * 100_000  # tried one by one, they would take minutes

    assert not closed_by_itself(text)
    assert mended(text) is None
    assert mended('{"a": "x \\"y", b: 1}') == {"a": 'x "y', "b": 1}
