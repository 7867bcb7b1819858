import pytest

from lingma_proxy.wire.links import LONGEST_NAME, called, is_web, path_of

PATHS = {
    "/home/me/a.png": "/home/me/a.png",
    " /home/me/a.png\n": "/home/me/a.png",
    "~/a.png": "~/a.png",
    "~\\a.png": "~\\a.png",
    "file:///home/me/a%20b.png": "/home/me/a b.png",
    "FILE://localhost/home/a.png": "/home/a.png",
    "file:/home/a.png": "/home/a.png",
    "file:///home/a.png?x#y": "/home/a.png",
    "file:///a/%2e%2e/b": "/a/../b",
    "file:///~/a.png": "~/a.png",
    "file:///C:/pictures/a.png": "C:/pictures/a.png",
    "file:///c%3A/pictures/a.png": "C:/pictures/a.png",
    "file://C:/pictures/a.png": "C:/pictures/a.png",
    "file:///C|/pictures/a.png": "C:/pictures/a.png",
    "C:\\pictures\\a.png": "C:\\pictures\\a.png",
    "c:/pictures/a.png": "C:/pictures/a.png",
    "/c:/pictures/a.png": "C:/pictures/a.png",
}
NO_PATHS = ["https://a.example/b.png", "//a.example/b.png", "a.png", "./a.png", "", "~root/a", "C:a.png",
            "data:,x", "javascript:alert(1)", "ftp://a/b", "~"]  # fmt: skip


@pytest.mark.parametrize("link", PATHS)
def test_a_file_is_found_in_every_spelling(link):
    assert path_of(link) == PATHS[link]
    assert not is_web(link)


@pytest.mark.parametrize("link", NO_PATHS)
def test_what_means_no_file_means_none(link):
    assert path_of(link) is None


@pytest.mark.parametrize("link", ["file://nas/a.png", "\\\\nas\\share\\a.png"])
def test_another_machines_file_is_not_taken_for_ours(link):
    with pytest.raises(ValueError, match="another machine"):
        path_of(link)


@pytest.mark.parametrize("link", ["http://a", " HTTPS://a/b\n", "hTTp://"])
def test_the_web_is_known_by_its_schemes(link):
    assert is_web(link)


NAMES = {
    "https://a.example/b/c.png?signature=secret#x": "https://a.example/b/c.png",
    "https://me:secret@a.example:8443/b.png": "https://a.example:8443/b.png",
    "http://[::1/secret": "http://…",
    "/home/secret/a.png": "a.png",
    "C:\\secret\\a.png": "a.png",
    "file:///home/secret/a.png?secret": "a.png",
    "": "…",
    "https://a.example/\udc80\x00": "https://a.example/��",
}


@pytest.mark.parametrize("link", NAMES)
def test_a_links_name_holds_no_secret(link):
    assert called(link) == NAMES[link]


def test_a_links_name_is_not_long():
    assert len(called("https://a.example/" + "b" * 10**6)) == LONGEST_NAME + 1
