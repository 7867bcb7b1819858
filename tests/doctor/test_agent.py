from lingma_proxy.doctor.agent import check_agent, check_login_methods
from lingma_proxy.doctor.finding import Level


def here(_):
    return "/bin/somewhere"


def nowhere(_):
    return None


async def checked(command, installed=(), *, needed, tools=False, which=here):
    (finding,) = await check_agent(command, installed, needed=needed, tools=tools, which=which)
    return finding


async def test_an_agent_that_answers_is_worth_a_note_for_it_has_tools_of_its_own():
    command = ("/home/me/bin/opencode", "acp", "--secret")
    finding = await checked(command, ["opencode", "qwen-code"], needed=True, tools=True)

    assert finding.level is Level.WARNING
    assert finding.found == "`opencode acp` is used; installed: opencode, qwen-code"
    assert "tools of its own" in finding.cure


async def test_an_agent_without_tools_is_fine():
    finding = await checked(("opencode", "acp"), ["opencode"], needed=True)

    assert finding.level is Level.OK
    assert "without tools of its own" in finding.found


async def test_an_agent_that_is_not_there_is_a_problem_only_where_it_is_needed():
    needed = await checked(("opencode", "acp"), needed=True, which=nowhere)
    other = await checked(("opencode", "acp"), needed=False, which=nowhere)

    assert (needed.level, other.level) == (Level.PROBLEM, Level.OK)
    assert needed.found == "there is no program opencode; none that is known is installed"
    assert "acp_command" in needed.cure


async def test_agents_that_could_answer_are_named():
    assert (await checked(("qwen", "--acp"), ["qwen-code"], needed=False)).found == (
        "`qwen --acp` could answer; installed: qwen-code"
    )
    none = await checked((), needed=False)
    assert none.level is Level.OK
    assert "known are qodercli, qoderclicn, opencode, qwen-code" in none.found


async def test_an_agent_says_itself_how_one_logs_in():
    methods = ("Log in with a browser", "API key: set it in the environment")
    findings = await check_login_methods(lambda: methods)

    assert [finding.found for finding in findings] == [
        f"one logs in there so: {method}" for method in methods
    ]
    assert await check_login_methods(tuple) == []
