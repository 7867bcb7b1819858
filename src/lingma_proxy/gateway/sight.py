"""What the policies for pictures and documents need, as the settings say: links, files, sight."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from lingma_proxy.backend import Backend, Model
from lingma_proxy.conversation.request import Image
from lingma_proxy.errors import SettingsError
from lingma_proxy.images.shrink import Limits, shrunk
from lingma_proxy.policies.choose_model import ChooseModel
from lingma_proxy.policies.describe_images import DescribeImages
from lingma_proxy.policies.prepare_images import PrepareImages, Source
from lingma_proxy.settings import Settings
from lingma_proxy.transports.fetch import Fetcher
from lingma_proxy.transports.files import Folders
from lingma_proxy.vendor.models import KNOWN

MB = 2**20

_KNOWN = {model.key: model.sees for model in KNOWN}


def with_sight(
    backend: Backend,
    settings: Settings,
    links: Fetcher | None,
    known: Callable[[], Sequence[Model]],
    choose: Callable[[], ChooseModel],
) -> Backend:
    """The backend, behind what prepares pictures for it.

    `known` are the models of the account, `choose` is what makes names of models keys, further
    out.  Raises SettingsError.
    """

    def sees(key: str) -> bool | None:
        listed = next((model for model in known() if model.key == key), None)
        return _KNOWN.get(key) if listed is None else listed.sees

    def describer() -> str:
        return choose().resolve(settings.describe_images) if settings.describe_images else ""

    return PrepareImages(
        DescribeImages(backend, sees, known, describer),
        shrink=partial(shrunk, limits=limits(settings)),
        fetch=fetching(links),
        read=reading(settings),
        most=settings.max_images,
    )


def limits(settings: Settings) -> Limits:
    return Limits(
        settings.image_max_side,
        int(settings.image_max_mb * MB),
        settings.image_max_megapixels * 1_000_000,
    )


def fetcher(settings: Settings) -> Fetcher | None:
    """None where links are not fetched."""
    if not settings.fetch_links:
        return None
    return Fetcher(
        private=settings.fetch_private,
        most=settings.fetch_max_mb * MB,
        timeout=settings.fetch_timeout,
    )


def fetching(links: Fetcher | None) -> Source | None:
    if links is None:
        return None

    async def fetch(link: str) -> Image:
        found = await links.fetch(link)
        return Image(found.media_type, found.data)

    return fetch


def reading(settings: Settings) -> Source:
    """Raises SettingsError for a folder whose place is not certain."""
    folders = [os.path.expanduser(folder) for folder in settings.image_folders]  # noqa: PTH111 — `Folders` resolves it
    for folder in folders:
        if not Path(folder).is_absolute():
            raise SettingsError(
                f"image_folders: {folder!r} is no absolute path. Write it out from the root, or"
                " from ~."
            )
    files = Folders(folders, settings.fetch_max_mb * MB)

    async def read(path: str) -> Image:
        return Image("", await files.read(path))

    return read
