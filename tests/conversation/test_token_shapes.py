import pytest

from lingma_proxy.conversation.token_shapes import PIECES, WEIGHTS, features, shape_of, weight_of


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (" getUserName(42)\n", [b" aaa", b"Baaa", b"Baaa", b".", b"00", b".n"]),
        ("HTMLParser x", [b"AAAA", b"Aaaaaa", b" a"]),
        ("don't", [b"aaa", b".a"]),
        ("你好，世界。\n", [b"cc", b"fcc", b"fn"]),
        ("if x:\n\n    return", [b"aa", b" a", b".nn", b"   ", b" aaaaaa"]),
        ("é–😀", [b"l", b"ye"]),
        ("\r\n \t\n", [b"nn  n"]),
        ("", []),
    ],
)
def test_text_falls_into_pieces(text: str, pieces: list[bytes]) -> None:
    assert PIECES.findall(shape_of(text)) == pieces


def test_every_character_has_one_place_in_a_shape() -> None:
    text = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)

    assert len(shape_of(text)) == len(text)
    assert sum(map(len, PIECES.findall(shape_of(text)))) == len(text)


def test_half_a_surrogate_pair_does_no_harm() -> None:
    assert len(shape_of("a\ud800b")) == 3


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "Aa",
        "AA",
        "aAa",
        "好",
        " 好",
        "é",
        "д",
        "한",
        "あ",
        "ह",
        "م",
        "7",
        "-",
        "😀",
        "—",
        "°",
        "。",
    ],
)
def test_every_kind_of_piece_has_its_weight(text: str) -> None:
    for shape in PIECES.findall(shape_of(text)):
        found = {name for name, value in features(shape).items() if value}

        assert found
        assert all(found <= set(weights) for weights in WEIGHTS.values())
        assert 0.3 < weight_of(shape) < 4
