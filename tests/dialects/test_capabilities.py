from lingma_proxy.dialects import DIALECTS
from lingma_proxy.dialects.capabilities import capabilities, health, props, version
from support.models import ACCOUNT


def test_health_has_the_fields_that_scripts_read():
    said = health(
        backend="remote", transport="remote", connected=True, endpoint="https://vendor.example"
    )

    assert said == {
        "ok": True,
        "service": "lingma-proxy",
        "state": {
            "backend": "remote",
            "transport": "remote",
            "connected": True,
            "session_mode": "auto",
            "endpoint": "https://vendor.example",
        },
    }
    unknown = health(backend="ipc", transport="ipc", connected=False)
    assert "endpoint" not in unknown["state"]


def test_the_version_is_said():
    assert version("1.2.3") == {"version": "1.2.3", "service": "lingma-proxy"}


def test_capabilities_are_those_of_the_account():
    said = capabilities(ACCOUNT, DIALECTS, "qmodel")

    assert said["recommended_models"] == {
        "default": "qmodel",
        "agent_tools": ["kmodel", "qmodel", "mmodel"],
        "vision": ["kmodel"],
        "coding": ["kmodel", "qmodel", "mmodel"],
    }
    assert said["model_metadata"]["kmodel"]["context_window_tokens"] == 256_000
    assert said["model_metadata"]["kmodel"]["modalities"] == ["text", "image"]
    assert said["model_metadata"]["mmodel"]["context_window_tokens"] is None
    assert said["features"]["images"]
    assert not capabilities([], DIALECTS, "")["features"]["images"]


def test_pictures_can_be_had_from_where_the_settings_say():
    features = capabilities(ACCOUNT, DIALECTS, "", reads_files=True)["features"]

    assert features["local_image_paths"]
    assert features["remote_image_urls"]
    assert features["image_auto_resize"]
    assert not capabilities(ACCOUNT, DIALECTS, "")["features"]["local_image_paths"]


def test_capabilities_name_the_dialects_that_are_spoken():
    said = capabilities([], DIALECTS, "")

    assert "openai.chat_completions" in said["protocols"]
    assert said["endpoints"]["openai_chat"] == [
        "/v1/chat/completions",
        "/api/v1/chat/completions",
    ]
    assert len(said["protocols"]) == len(DIALECTS) + 4


def test_props_are_those_of_the_default_model():
    assert props(ACCOUNT, "qmodel")["default_generation_settings"]["n_ctx"] == 128_000
    assert props(ACCOUNT, "")["model_alias"] == "kmodel"
    assert props(ACCOUNT, "")["modalities"]["vision"]
    assert props([], "wanted")["model_alias"] == "wanted"
    assert props([], "wanted")["default_generation_settings"]["n_ctx"] == 0
