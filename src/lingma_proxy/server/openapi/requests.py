"""What clients send, as far as we read it; other fields may be there, as each API has them.

The decoders in `dialects/` have the last word: what they refuse is a 400 that says why.
"""

from lingma_proxy.dialects.openai_chat_request import MOST_CHOICES
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server.openapi.shapes import (
    a_list,
    a_map,
    an_object,
    either,
    named,
    number,
    or_null,
    switch,
    text,
    whole,
    word,
)

MODEL = text("A model's key, its name, or an alias; empty: the setting `model`.")
STREAM = switch("Whether the answer comes as a stream.")
TEMPERATURE = number(least=0, most=2)
TOP_P = number(least=0, most=1)
ANY_OBJECT: JsonObject = {"type": "object"}

TEXT_PART = an_object(needs=["type", "text"], type=word("text"), text=text())
IMAGE_URL = an_object(
    needs=["type", "image_url"],
    type=word("image_url"),
    image_url=an_object(needs=["url"], url=text("http(s)://… or data:image/…;base64,…")),
)
CHAT_CALL = an_object(
    needs=["id", "type", "function"],
    id=text(least=1),
    type=word("function"),
    function=an_object(
        needs=["name", "arguments"], name=text(least=1), arguments=text("JSON, as text")
    ),
)
FUNCTION = an_object(needs=["name"], name=text(least=1), description=text(), parameters=ANY_OBJECT)
CHAT_MESSAGE = either(
    an_object(
        needs=["role", "content"],
        role=word("system", "developer"),
        content=either(text(), a_list(TEXT_PART)),
    ),
    an_object(
        needs=["role", "content"],
        role=word("user"),
        content=either(text(), a_list(either(TEXT_PART, IMAGE_URL), least=1)),
    ),
    an_object(
        needs=["role"],
        role=word("assistant"),
        content=either(text(), a_list(TEXT_PART), {"type": "null"}),
        tool_calls=a_list(CHAT_CALL),
    ),
    an_object(
        needs=["role", "content", "tool_call_id"],
        role=word("tool"),
        content=either(text(), a_list(TEXT_PART)),
        tool_call_id=text(least=1),
    ),
)
CHAT = an_object(
    "OpenAI's Chat Completions.",
    needs=["messages"],
    model=MODEL,
    messages=a_list(CHAT_MESSAGE, least=1),
    stream=STREAM,
    stream_options=an_object(include_usage=switch()),
    n=whole(least=1, most=MOST_CHOICES),
    max_tokens=whole(least=1),
    max_completion_tokens=whole(least=1),
    temperature=TEMPERATURE,
    top_p=TOP_P,
    presence_penalty=number(least=-2, most=2),
    frequency_penalty=number(least=-2, most=2),
    seed=whole(),
    stop=either(text(least=1), a_list(text(least=1))),
    tools=a_list(an_object(needs=["type", "function"], type=word("function"), function=FUNCTION)),
    tool_choice=either(
        word("auto", "none", "required"),
        an_object(
            needs=["type", "function"],
            type=word("function"),
            function=an_object(needs=["name"], name=text()),
        ),
    ),
    parallel_tool_calls=switch(),
    reasoning_effort=word("none", "minimal", "low", "medium", "high", "xhigh"),
    response_format=an_object(
        needs=["type"], type=word("text", "json_object", "json_schema"), json_schema=ANY_OBJECT
    ),
    user=text(),
)

BLOCK = either(
    TEXT_PART,
    an_object(
        needs=["type", "source"],
        type=word("image", "document"),
        source=an_object(
            needs=["type"],
            type=word("base64", "url", "text"),
            media_type=text(),
            data=text(),
            url=text(),
        ),
    ),
    an_object(
        needs=["type", "id", "name", "input"],
        type=word("tool_use"),
        id=text(least=1),
        name=text(least=1),
        input=ANY_OBJECT,
    ),
    an_object(
        needs=["type", "tool_use_id"],
        type=word("tool_result"),
        tool_use_id=text(least=1),
        content=either(text(), a_list(TEXT_PART)),
        is_error=switch(),
    ),
    an_object(needs=["type", "thinking"], type=word("thinking"), thinking=text(), signature=text()),
)
MESSAGES_COUNT = an_object(
    "What Anthropic's Messages and their count have in common.",
    needs=["messages"],
    model=MODEL,
    system=either(text(), a_list(TEXT_PART)),
    messages=a_list(
        an_object(
            needs=["role", "content"],
            role=word("user", "assistant"),
            content=either(text(), a_list(BLOCK)),
        ),
        least=1,
    ),
    tools=a_list(
        an_object(
            needs=["name", "input_schema"],
            name=text(least=1),
            description=text(),
            input_schema=ANY_OBJECT,
        )
    ),
    tool_choice=an_object(
        needs=["type"],
        type=word("auto", "any", "tool", "none"),
        name=text(),
        disable_parallel_tool_use=switch(),
    ),
    thinking=an_object(
        needs=["type"],
        type=word("enabled", "adaptive", "disabled"),
        budget_tokens=whole(least=1),
    ),
)
MESSAGES = {
    "allOf": [
        named("MessagesCountRequest"),
        an_object(
            needs=["max_tokens"],
            max_tokens=whole(least=0),
            stream=STREAM,
            temperature=TEMPERATURE,
            top_p=TOP_P,
            top_k=whole(least=0),
            stop_sequences=a_list(text(least=1)),
            metadata=an_object(user_id=text()),
        ),
    ],
    "description": "Anthropic's Messages.",
}

RESPONSES_TEXT = an_object(
    needs=["type", "text"], type=word("input_text", "output_text"), text=text()
)
INPUT = either(
    text(),
    a_list(
        either(
            an_object(
                needs=["role", "content"],
                type=word("message"),
                role=word("system", "developer", "user", "assistant"),
                content=either(text(), a_list(RESPONSES_TEXT)),
            ),
            an_object(
                needs=["type", "call_id", "name", "arguments"],
                type=word("function_call"),
                call_id=text(least=1),
                name=text(least=1),
                arguments=text(),
            ),
            an_object(
                needs=["type", "call_id", "output"],
                type=word("function_call_output"),
                call_id=text(least=1),
                output=either(text(), a_list(RESPONSES_TEXT)),
            ),
        ),
        least=1,
    ),
)
RESPONSES_COUNT = an_object(
    "What OpenAI's Responses and the count of their input have in common.",
    needs=["input"],
    model=MODEL,
    input=INPUT,
    instructions=or_null(text()),
    previous_response_id=or_null(text()),
    tools=a_list(
        an_object(
            needs=["type", "name"],
            type=word("function"),
            name=text(least=1),
            description=text(),
            parameters=ANY_OBJECT,
            strict=switch(),
        )
    ),
)
RESPONSES = {
    "allOf": [
        named("ResponsesCountRequest"),
        an_object(
            stream=STREAM,
            store=switch("Whether it may be looked up, and gone on from; it may by default."),
            background=switch(),
            max_output_tokens=or_null(whole(least=1)),
            temperature=or_null(TEMPERATURE),
            top_p=or_null(TOP_P),
            reasoning=or_null(
                an_object(
                    effort=or_null(word("none", "minimal", "low", "medium", "high", "xhigh")),
                    summary=or_null(word("auto", "concise", "detailed")),
                )
            ),
            metadata=a_map(text()),
            parallel_tool_calls=switch(),
        ),
    ],
    "description": "OpenAI's Responses.",
}

OLLAMA_OPTIONS = an_object(
    temperature=TEMPERATURE, top_p=TOP_P, top_k=whole(), num_predict=whole(), seed=whole()
)
OLLAMA_CHAT = an_object(
    "Ollama's chat.",
    needs=["model"],
    model=MODEL,
    messages=a_list(
        an_object(
            needs=["role", "content"],
            role=word("system", "user", "assistant"),
            content=text(),
            images=a_list(text("Base64.")),
        )
    ),
    stream=switch("It is a stream unless this is false."),
    think=either(switch(), word("low", "medium", "high")),
    format=either(word("json"), ANY_OBJECT),
    options=OLLAMA_OPTIONS,
    tools=a_list(an_object(needs=["type", "function"], type=word("function"), function=FUNCTION)),
)
OLLAMA_GENERATE = an_object(
    "Ollama's answer to one prompt.",
    needs=["model"],
    model=MODEL,
    prompt=text(),
    system=text(),
    images=a_list(text("Base64.")),
    stream=switch("It is a stream unless this is false."),
    options=OLLAMA_OPTIONS,
)
OLLAMA_MODEL = an_object(needs=["model"], model=text(least=1), stream=switch())

REQUESTS: dict[str, JsonObject] = {
    "ChatRequest": CHAT,
    "MessagesCountRequest": MESSAGES_COUNT,
    "MessagesRequest": MESSAGES,
    "ResponsesCountRequest": RESPONSES_COUNT,
    "ResponsesRequest": RESPONSES,
    "OllamaChatRequest": OLLAMA_CHAT,
    "OllamaGenerateRequest": OLLAMA_GENERATE,
    "OllamaModelRequest": OLLAMA_MODEL,
}
