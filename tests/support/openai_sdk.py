"""The official OpenAI SDK as a judge: it reads our bytes without a socket."""

import httpx2 as httpx  # the SDK's own choice
from openai import OpenAI


def client(body: bytes, *, status: int = 200, media_type: str = "text/event-stream") -> OpenAI:
    """A client to which every request is answered with these bytes."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers={"content-type": media_type})

    return OpenAI(
        api_key="sk-test",
        base_url="http://proxy.test/v1",
        max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(answer)),
    )
