"""At most so many replies of one model at a time; the rest wait, as they do for any place.

It stands inside of what tries other models, so that every try counts where it is made.  A model
that is full is waited for and not passed over: who has asked for it wants no other, and the
limit is there to spare somebody, not to lead what is too much to the next.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, aclosing

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.policies.base import Policy
from lingma_proxy.policies.places import Load, Places

MOST = 100
"""Models that are remembered when nobody asks them: what their replies usually take."""


class LimitEach(Policy):
    """`at_once` tells how many replies of a model may run, 0 for any number.

    `waiting` and `patience` are as in `Limit`, for each model.  `overall` are the places of all
    models together: who holds one of them lends it to others while it waits here.  `models` are
    the places of each model, which another one may have begun.
    """

    def __init__(
        self,
        inner: Backend,
        at_once: Callable[[str], int],
        waiting: int,
        patience: float,
        overall: Callable[[], Places | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        *,
        models: dict[str, Places] | None = None,
    ) -> None:
        super().__init__(inner)
        self._at_once = at_once
        self._waiting = waiting
        self._patience = patience
        self._overall = overall
        self._clock = clock
        self._models = {} if models is None else models

    def by_model(self) -> Mapping[str, Load]:
        """What runs and waits for those models that have a limit and are asked."""
        loads = {model: Load(each.running, each.queued) for model, each in self._models.items()}
        return {model: load for model, load in loads.items() if any(load)}

    def reply(self, request: ChatRequest) -> EventStream:
        at_once = self._at_once(request.model)
        if not at_once:
            return self.inner.reply(request)
        return self._within(request, at_once)

    async def _within(self, request: ChatRequest, at_once: int) -> EventStream:
        places = self._places_of(request.model, at_once)
        async with AsyncExitStack() as holding:
            overall = self._overall()
            if overall is None or places.running < places.at_once:
                await holding.enter_async_context(places.taken(request))
            else:
                async with overall.lent(request):
                    await holding.enter_async_context(places.taken(request))
            events = await holding.enter_async_context(aclosing(self.inner.reply(request)))
            async for batch in events:
                yield batch

    def _places_of(self, model: str, at_once: int) -> Places:
        places = self._models.get(model)
        if places is None:
            if len(self._models) >= MOST:
                for idle in self._models.keys() - self.by_model().keys():
                    del self._models[idle]
            places = self._models[model] = Places(
                at_once,
                self._waiting,
                self._patience,
                self._clock,
                whose=f"The model {model}",
                setting="max_concurrent_per_model, model_limits",
            )
        if places.at_once != at_once:
            places.resize(at_once, self._waiting, self._patience)
        return places
