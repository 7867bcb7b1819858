"""Tokens as a model's vendor would count them: by its family, and corrected by experience.

    estimator.request(request)        of a request, for the model that it names by its key
    estimator.text(text, model)       of what that model says
    estimator.meter(model)            the same, piece by piece
    estimator.teaches(model) … .learn(…)      what the vendor has counted instead

Whoever shows tokens that nobody else has counted asks the same estimator, so that a count
beforehand, a guess at the start and an estimate at the end agree.
"""

from collections.abc import Callable

from lingma_proxy.conversation.calibration import MODELS, Calibrations
from lingma_proxy.conversation.events import Usage
from lingma_proxy.conversation.kinds import has
from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
)
from lingma_proxy.conversation.token_shapes import Family
from lingma_proxy.conversation.tokens import TokenMeter, count_request, count_text

FIRST = 20
"""So many exchanges of a model are all looked at …"""
EVERY = 20
"""… and then each so many-th: to learn from one costs a count of all of it."""


class Estimator:
    """Counts, and learns to.

    `family_of` and `recalls` know models by their keys: whose vocabulary they have, and whether
    they are shown their thinking again.
    """

    def __init__(
        self,
        family_of: Callable[[str], Family] = lambda _: "qwen",
        recalls: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._family_of = family_of
        self._recalls = recalls
        self._learnt = Calibrations()
        self._seen: dict[str, int] = {}
        """How many exchanges of a model there have been."""

    def request(self, request: ChatRequest) -> int:
        return round(self._request(request) * self._learnt.input(request.model))

    def text(self, text: str, model: str) -> int:
        return round(self._text(text, model) * self._learnt.output(model))

    def sample(self, text: str, model: str) -> int:
        """Of a piece of what it is asked."""
        return round(self._text(text, model) * self._learnt.input(model))

    def meter(self, model: str) -> TokenMeter:
        return TokenMeter(self._family_of(model), self._learnt.output(model))

    def teaches(self, model: str) -> bool:
        """Whether to learn from this exchange, which is counted."""
        if model not in self._seen and len(self._seen) >= MODELS:
            del self._seen[next(iter(self._seen))]
        before = self._seen[model] = self._seen.get(model, 0) + 1
        return before <= FIRST or before % EVERY == 0

    def learn(self, request: ChatRequest, spoken: str, thought: str, usage: Usage) -> None:
        """What the vendor has counted for a request and for what was said to it.

        Takes as long as counting does.  Pictures and files are not learnt from, for we guess
        what they are; nor is a reply that goes on from what the client had begun, for we say
        more then than the model.
        """
        model = request.model
        shown = has(request.messages, Image, ImageLink, Document, DocumentLink)
        asked = 0 if shown else self._request(request)
        begun = bool(request.messages) and request.messages[-1].role == "assistant"
        said = 0 if begun else self._text(spoken, model) + self._text(thought, model)
        # Thinking that is counted and not shown is no part of what we count.
        output = usage.output if thought else usage.output - usage.reasoning
        self._learnt.learn(model, (asked, said), (usage.input, output))

    def _request(self, request: ChatRequest) -> int:
        model = request.model
        recalls = self._recalls(model)
        return count_request(request, self._family_of(model), recalls_thinking=recalls)

    def _text(self, text: str, model: str) -> int:
        return count_text(text, self._family_of(model))
