"""What is true of a model beyond what a list of models says: how it was taught to behave.

Facts about models stand in one table (`vendor/profiles.py`); whoever needs one asks for
the profile, so that no policy knows a model by name.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lingma_proxy.conversation.token_shapes import Family

ToolFormat: TypeAlias = Literal["hermes", "qwen3_coder", "invoke", "kimi", "deepseek"]
"""How calls of tools are written, where they are written into the text:

    hermes        <tool_call>{"name": …, "arguments": {…}}</tool_call>
    qwen3_coder   <tool_call><function=NAME><parameter=KEY>…</parameter></function></tool_call>
    invoke        <invoke name="NAME"><parameter name="KEY">…</parameter></invoke>
    kimi          <|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:0…
    deepseek      <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME…
"""

Thinks: TypeAlias = Literal["never", "always", "if asked"]


@dataclass(frozen=True, slots=True)
class Profile:
    """The default is a model of which nothing is known."""

    tool_format: ToolFormat = "hermes"
    """What it is asked to write where it takes no tools of its own; the reader of its
    answers takes every format."""
    native_tools: bool = True
    """Whether it takes tools where its backend has a place for them."""
    thinks_in_text: bool = False
    """Whether it may write its thinking into its text, between <think> and </think>."""
    thinks: Thinks | None = None
    """Whether it thinks before it answers; None: nobody knows."""
    thinking_words: tuple[str, str] | None = None
    """The words in a prompt that let it think, and let it not, if it was taught any."""
    recalls_thinking: bool = False
    """Whether it has to be shown, as long as it calls tools, what it thought between the calls."""
    counts_as: Family = "qwen"
    """Whose vocabulary its tokens are of; Qwen's where its own is not to be had."""
