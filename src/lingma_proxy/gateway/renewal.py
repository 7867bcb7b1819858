"""Other settings while a gateway runs: another gateway, which goes on with what stays the same.

    who answers and the list of models   stay, unless a setting of theirs has changed
    the recording                        the same
    places, estimates, counters,
    the models that keep failing         stay

The stack itself is made anew: policies remember nothing that is not in these.  Nothing is changed
before all of it is made, so settings that cannot be leave everything as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lingma_proxy.gateway.stack import Gateway, over, recording_of
from lingma_proxy.gateway.ways import Closing, whoever_answers
from lingma_proxy.policies.remember_models import RememberModels
from lingma_proxy.settings import TABLE, Settings
from lingma_proxy.settings.table import AGENTS, LINGMA, RECORDING

OF_WHO_ANSWERS = frozenset(
    {setting.name for setting in TABLE if setting.group in {LINGMA, AGENTS}}
    | {"connect_timeout", "first_byte_timeout"}
)
"""What `whoever_answers` reads; a test holds it to that."""
OF_THE_RECORDING = frozenset(setting.name for setting in TABLE if setting.group == RECORDING)


@dataclass(frozen=True)
class Renewal:
    gateway: Gateway
    """To become."""
    gone: Sequence[Closing] = ()
    """What is to be closed when the replies of the old one have come to their end, in order."""


def renewed(old: Gateway, settings: Settings) -> Renewal:
    """What an old gateway is to become with these settings.  Raises SettingsError."""
    changed = frozenset(
        setting.name
        for setting in TABLE
        if getattr(settings, setting.name) != getattr(old.settings, setting.name)
    )
    gone: list[Closing] = []
    behind, lasting = old.behind, old.lasting
    if changed & OF_WHO_ANSWERS:
        gone += [lasting.remembered, behind]
        behind = whoever_answers(settings)
        remembered = RememberModels(behind.backend, settings.models_lifetime, whose=behind.name)
        lasting = replace(lasting, remembered=remembered)
    if changed & OF_THE_RECORDING:
        gone.append(lasting.recording)
        lasting = replace(lasting, recording=recording_of(settings))
    new = over(behind, settings, lasting)
    lasting.places.resize(settings.max_concurrent, settings.max_queue, settings.queue_timeout)
    lasting.remembered.lifetime = settings.models_lifetime
    return Renewal(new, gone)
