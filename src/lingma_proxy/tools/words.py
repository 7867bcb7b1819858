"""What a model is told about tools, in English and in Chinese.

Few sentences, and each is true whatever the tools are: none names a tool that is not there, or
says what tools are good for.  Their schemas say the rest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lingma_proxy.conversation.request import Message, Text

READ = 4000
"""Characters that are looked at to tell a language."""
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
KANA = re.compile(r"[\u3040-\u30ff]")
WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Words:
    offer: str
    """Begins the contract; the tools follow, between tags."""
    how: str
    in_json: str
    by_parts: str
    several: str
    one: str
    results: str
    last: str
    earlier: str
    """Of a conversation in which tools were called and cannot be called any more."""
    required: str
    named: str
    missing: str
    """To whom called nothing, but had to."""
    other: str
    unfit: str
    announced: str
    again: str


ENGLISH = Words(
    offer=(
        "# Tools\n\nYou can call the tools below. Each line is one of them, with the JSON Schema"
        " of its arguments.\n"
    ),
    how="To call a tool, write this, with its name and arguments in their places:\n",
    in_json="- The arguments are one JSON object that fits the tool's schema.",
    by_parts=(
        "- Each argument stands by itself: text as it is, without quotes and escapes; anything"
        " else as JSON."
    ),
    several="- Calls that need no other's result may follow each other in one answer.",
    one="- Make one call at most in an answer.",
    results=(
        "- End your answer after your calls. The next message has what came of them, each in"
        " <tool_response> and </tool_response>; `call` numbers the call that it answers if there"
        ' were several, `error="true"` marks a failure. A backslash in such a tag (as in'
        " <\\/tool_response>) means that it is only text."
    ),
    last="- A call stands in no code fence. Whatever else you write is read by the user.",
    earlier=(
        "Earlier in this conversation you called tools. Your calls stand there as you wrote them,"
        " and what came of each in <tool_response> and </tool_response>. No tool can be called"
        " now: answer in text."
    ),
    required="Your next answer must call at least one of the tools.",
    named="Your next answer must call the tool {name}, and no other.",
    missing="You called no tool, but a call is needed.",
    other="You called the tool {name}, which is not the one that is asked for.",
    unfit="Your call of the tool {name} does not fit its schema: {wrong}.",
    announced="You said that you would call a tool, but there was no call in your answer. Write it"
    " now, and nothing before it; if you need none after all, say what you have to say.",
    again="Write it again, whole and corrected, and nothing before it.",
)
CHINESE = Words(
    offer="# 工具\n\n你可以调用下列工具。每行一个工具，并附有其参数的 JSON Schema。\n",
    how="要调用工具，请按以下形式书写，并填入工具名称和参数：\n",
    in_json="- 参数是一个符合该工具 schema 的 JSON 对象。",
    by_parts="- 每个参数单独书写：文本按原样写，不加引号，不转义；其他类型写成 JSON。",
    several="- 互不依赖结果的调用可以在同一回答中依次写出。",
    one="- 每次回答最多调用一次工具。",
    results=(
        "- 写完调用后即结束回答。下一条消息给出调用的结果，每个结果位于 <tool_response> 与"
        ' </tool_response> 之间；有多个调用时，`call` 表示它对应第几个调用，`error="true"`'
        " 表示失败。标签中带反斜杠的（如 <\\/tool_response>）只是文本。"
    ),
    last="- 不要把调用写在代码块里。你写的其他内容会展示给用户。",
    earlier=(
        "你在本次对话的前面调用过工具。你的调用按原样保留在那里，每个调用的结果位于 <tool_response>"
        " 与 </tool_response> 之间。现在不能调用任何工具，请直接用文字回答。"
    ),
    required="你的下一个回答必须至少调用其中一个工具。",
    named="你的下一个回答必须调用工具 {name}，不得调用其他工具。",
    missing="你没有调用工具，但这里必须调用。",
    other="你调用了工具 {name}，但要求的不是它。",
    unfit="你对工具 {name} 的调用不符合其 schema：{wrong}。",
    announced="你说要调用工具，但回答中没有调用。请现在写出调用，前面不要写任何内容；如果其实不需要调用，"
    "请直接说出你要说的话。",
    again="请重新写出完整且改正后的调用，前面不要写任何内容。",
)


def words_for(messages: Sequence[Message]) -> Words:
    """In the language of the conversation, which its first question shows.

    It stays the same when the conversation goes on, so that a cache of the prompt holds.  Of a
    message of several texts the last is looked at: clients put what they have to say before it.
    """
    for message in messages:
        if message.role == "user":
            texts = [part.text for part in message.parts if isinstance(part, Text)]
            if spoken := [text for text in texts if text.strip()]:
                return CHINESE if is_chinese(spoken[-1]) else ENGLISH
    return ENGLISH


def is_chinese(text: str) -> bool:
    """Whether it has more characters of Chinese than words of the Latin script."""
    text = text[:READ]
    if KANA.search(text):
        return False
    return len(HAN.findall(text)) > len(WORD.findall(text))
