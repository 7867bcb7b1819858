from lingma_proxy.backends.discovery import Discovery
from lingma_proxy.doctor.finding import Level
from lingma_proxy.doctor.plugin import check_plugin
from lingma_proxy.simulator.plugin_home import write_info
from support.remote import machine


async def checked(home, *listening, needed):
    async def knock(endpoint):
        return any(str(port) in endpoint.address for port in listening)

    discovery = Discovery(machine(home))
    findings = await check_plugin(discovery, needed=needed, knock=knock)
    return [finding.found for finding in findings], [finding.level for finding in findings]


async def test_every_address_is_named_also_one_where_nobody_listens_any_more(tmp_path):
    write_info(tmp_path, port=36510)
    write_info(tmp_path, port=37010, product="Lingma", form="text")
    found, levels = await checked(tmp_path, 36510, needed=True)

    assert found == [
        "Qoder CN listens on a WebSocket (~/.qodercn/vscode/sharedClientCache/.info.json)",
        "nobody listens any more where ~/.lingma/vscode/sharedClientCache/.info leads (Lingma)",
    ]
    assert set(levels) == {Level.OK}


async def test_nobody_is_a_problem_only_where_somebody_is_needed(tmp_path):
    write_info(tmp_path, port=36510, path="/nowhere/qodercn.sock")
    found, levels = await checked(tmp_path, needed=True)
    assert levels == [Level.OK, Level.PROBLEM]
    assert found[-1] == "no running Lingma or Qoder CN was found"

    assert (await checked(tmp_path, needed=False))[1] == [Level.OK]
    assert await checked(tmp_path / "empty", needed=False) == (
        ["neither Qoder CN nor Lingma is open"],
        [Level.OK],
    )
    assert (await checked(tmp_path / "empty", needed=True))[1] == [Level.PROBLEM]
