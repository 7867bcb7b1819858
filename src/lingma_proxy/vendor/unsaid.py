"""What a request asks for and a prompt cannot say, each a sentence; or why it is refused.

The plugin and agents take a text and pictures, and nothing else.  What can be made good
above (stop sequences, limits on tokens, JSON) is not named here; nor are tools, which are told
of in words before a request comes here, unless the settings say never.
"""

from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.vendor import thinking


def unsaid(request: ChatRequest, who: str) -> tuple[str, ...]:
    """The warnings.  Raises InvalidRequest for what would be answered wrongly."""
    if request.tools and request.tool_choice not in {"auto", "none"}:
        raise InvalidRequest(
            f"{who} takes no tools of the client's, so a call of one cannot be demanded: use"
            " `tool_choice: auto`, the remote backend, or the setting `emulate_tools: auto`.",
            param="tool_choice",
        )
    sampling, reasoning = request.sampling, request.reasoning
    named: dict[str, object] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "seed": sampling.seed,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
    found = [
        f"{name} is not sent: {who} takes no such parameter."
        for name, value in named.items()
        if value is not None
    ]
    if request.tools and request.tool_choice == "auto":
        found.append(
            f"The tools are not offered to the model: {who} takes none of the client's, and"
            " `emulate_tools: never` keeps them from being told in words."
        )
    if thinking.word(request):
        if reasoning.effort not in {None, "none"} or reasoning.budget_tokens is not None:
            found.append("The effort only switches thinking on: the model knows no degrees.")
    elif reasoning.wanted is not None or reasoning.effort or reasoning.budget_tokens is not None:
        found.append(f"How much the model thinks is {who}'s own choice.")
    return tuple(found)
