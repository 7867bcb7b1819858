from lingma_proxy.profile import Profile


def test_of_an_unknown_model_the_common_is_assumed() -> None:
    assert Profile() == Profile("hermes", native_tools=True, thinks_in_text=False)
