from lingma_proxy.backends.choice import Presence
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.doctor.answering import check_choice, check_peer
from lingma_proxy.doctor.finding import Level
from lingma_proxy.gateway import Behind


def behind(*, found, peer="", endpoint=""):
    looks = []

    async def look():
        looks.append(1)

    return Behind(
        Scripted([]),
        name=lambda: "ipc",
        presence=lambda: Presence(found, "Qoder CN is running" if looks else "not looked yet"),
        reason=lambda: "It is the first that is there.",
        peer=lambda: peer,
        endpoint=lambda: endpoint,
        look=look,
    )


async def test_the_choice_is_told_with_its_reason_after_a_look():
    (finding,) = await check_choice(behind(found=True))

    assert finding.level is Level.OK
    assert finding.found == "ipc: Qoder CN is running. It is the first that is there."


async def test_a_choice_that_is_not_there_is_worth_a_note():
    (finding,) = await check_choice(behind(found=False))

    assert finding.level is Level.WARNING


async def test_a_backend_without_more_to_say_is_named():
    (finding,) = await check_choice(Behind(Scripted([]), name=lambda: "simulator"))

    assert finding.found == "simulator. The setting backend says so."


async def test_who_has_answered_is_told_once_it_is_known():
    (with_place,) = await check_peer(behind(found=True, peer="Qoder CN", endpoint="ws://x/"))
    (without,) = await check_peer(behind(found=True, peer="opencode 1.2"))

    assert with_place.found == "Qoder CN answers, by ws://x/"
    assert without.found == "opencode 1.2 answers"
    assert await check_peer(behind(found=True)) == []
