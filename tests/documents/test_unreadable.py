from lingma_proxy.documents.unreadable import Unreadable


def test_it_says_why() -> None:
    assert Unreadable("is locked.").clause == str(Unreadable("is locked.")) == "is locked."
