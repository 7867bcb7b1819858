"""What an agent's methods are called with, as closely as it looks."""

from msgspec import Struct, field

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator.prompt_parts import AgentPart


class Hello(Struct):
    version: int = field(name="protocolVersion")
    capabilities: JsonObject = field(default_factory=dict, name="clientCapabilities")
    info: JsonObject | None = field(default=None, name="clientInfo")


class New(Struct):
    cwd: str
    servers: list[JsonObject] = field(name="mcpServers")


class Choose(Struct):
    session: str = field(name="sessionId")
    option: str = field(name="configId")
    value: str


class ChooseModel(Struct):
    session: str = field(name="sessionId")
    model: str = field(name="modelId")


class PromptParams(Struct):
    session: str = field(name="sessionId")
    prompt: list[AgentPart]
