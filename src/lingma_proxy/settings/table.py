"""The table of settings: one field each, with all that is known about it beside it.

The file, the environment, the flags, `lingma-proxy settings` and docs/settings.md all
come from here.  A setting called `first_byte_timeout` is the key of that name in the
file, the variable LINGMA_PROXY_FIRST_BYTE_TIMEOUT and the flag --first-byte-timeout,
unless its line says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from lingma_proxy.settings.kinds import (
    CommandOrAddress,
    Counts,
    Host,
    Number,
    Pairs,
    Secret,
    Switch,
    Text,
    Url,
    Whole,
    Word,
    WordOrPath,
    Words,
)
from lingma_proxy.settings.setting import Setting, setting

LISTEN = "Where it listens, and to whom"
LINGMA = "Lingma"
AGENTS = "The plugin and agents"
MODELS = "Models"
PICTURES = "Pictures and links"
LIMITS = "Limits and patience"
RECORDING = "Recording"
OTHER = "Other"

DEFAULT_MODEL = "kmodel"
FOREIGN = MappingProxyType(
    dict.fromkeys(
        ("claude-*", "gpt-*", "chatgpt-*", "codex-*", "o1*", "o3*", "o4*", "gemini-*"), ""
    )
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values, as they are at one time: who changes the file gets others."""

    host: str = setting("127.0.0.1", Host(), "The address to listen on.", group=LISTEN, live=False)
    port: int = setting(
        8095,
        Whole(0, 65535),
        "The port to listen on; 0 takes any that is free.",
        group=LISTEN,
        live=False,
    )
    api_key: str = setting(
        "",
        Secret(),
        "The key that clients must send; without one, whoever reaches the port may ask. "
        "Other users of the machine can read a flag: prefer the file or the variable.",
        group=LISTEN,
    )
    api_key_file: str = setting(
        "",
        Text("the path of a file"),
        "A file that holds the key, instead of `api_key`.",
        group=LISTEN,
    )
    allowed_hosts: tuple[str, ...] = setting(
        (),
        Words(),
        "Names, besides localhost and the address itself, under which requests may call us; "
        "any other Host header is refused, which stops DNS rebinding.",
        group=LISTEN,
    )
    allowed_origins: tuple[str, ...] = setting(
        (),
        Words(),
        "Origins of web pages that may call us from a browser, such as http://localhost:3000.",
        group=LISTEN,
    )
    open_bind: bool = setting(
        default=False,
        kind=Switch(),
        text="Listen beyond this machine even without a key: everyone on the network can then "
        "use the login.",
        group=LISTEN,
    )

    backend: str = setting(
        "auto",
        Word(("auto", "remote", "ipc", "acp", "simulator"), later=("scripted",)),
        "Who answers: `remote` is Lingma's API with the login found on this machine, `ipc` the "
        "Lingma or Qoder CN that is running on it, `acp` an agent that is installed on it, "
        "`simulator` the built-in stand-in that never leaves it; `auto` takes what the settings "
        "point at, else the first that is there, and says which.",
        group=LINGMA,
    )
    simulate_without_login: bool = setting(
        default=False,
        kind=Switch(),
        text="Use the simulator when nobody else is there to answer, and say so; otherwise "
        "requests are then answered 401 with what to do.",
        group=LINGMA,
        live=False,
    )
    remote_base_url: str = setting(
        "",
        Url(),
        "The address of Lingma's API; empty means: as the installed Lingma has it, or else the "
        "public one.",
        group=LINGMA,
        variable="LINGMA_REMOTE_BASE_URL",
    )
    login: str = setting(
        "auto",
        WordOrPath(("auto", "newest", "longest"), "the path of a folder or of a credential file"),
        "Which login to use of those found on this machine: the first (an imported one, Qoder CN's,"
        " Lingma's), the `newest`, the one that lasts `longest`, or the one at a path. One that has"
        " ended comes last, unless a path names it.",
        group=LINGMA,
    )
    remote_auth_file: str = setting(
        "",
        Text("the path of a file"),
        "The same as `login` with the path of a credential file; of the two and `cache_dir`, that "
        "counts which was set nearest (flag, variable, file), else the first in this order.",
        group=LINGMA,
        variable="LINGMA_REMOTE_AUTH_FILE",
    )
    cache_dir: str = setting(
        "",
        Text("the path of a folder"),
        "The same as `login` with the path of the folder in which Lingma keeps its login (the one "
        "that holds `cache/user`).",
        group=LINGMA,
        variable="LINGMA_CACHE_DIR",
    )
    remote_version: str = setting(
        "2.11.2",
        Text("a version such as 2.11.2", needed=True),
        "The version of Lingma's client that we say we are.",
        group=LINGMA,
        variable="LINGMA_REMOTE_VERSION",
    )
    remote_proxy_url: str = setting(
        "",
        Url(),
        "An HTTP proxy on the way to Lingma; empty means: a direct connection.",
        group=LINGMA,
        variable="LINGMA_REMOTE_PROXY_URL",
    )
    encode_body: str = setting(
        "auto",
        Word(("auto", "always", "never")),
        "Whether request bodies are sent in the vendor's encoding (Encode=1).",
        group=LINGMA,
    )

    image_delivery: str = setting(
        "upload",
        Word(("upload", "data", "ipc")),
        "How Lingma's API gets pictures: `upload` uploads each first and names its link, as "
        "Lingma's own client does; `data` sends them in the request itself, which not all "
        "models look at; `ipc` asks the plugin on this machine instead whenever a conversation "
        "shows one.",
        group=LINGMA,
    )

    transport: str = setting(
        "auto",
        Word(("auto", "pipe", "websocket"), also={"ws": "websocket"}),
        "How the plugin is reached: over a WebSocket, or over its named pipe (elsewhere than on "
        "Windows: its socket).",
        group=AGENTS,
    )
    pipe: str = setting(
        "",
        Text("the name or path of a pipe, or the path of a socket"),
        "The plugin's named pipe; empty means: look for it. Elsewhere than on Windows, its socket.",
        group=AGENTS,
        variable="LINGMA_IPC_PIPE",
    )
    ipc_socket: str = setting(
        "",
        Text("the path of a socket"),
        "The plugin's socket; empty means: look for it.",
        group=AGENTS,
        variable="LINGMA_IPC_SOCKET",
    )
    websocket_url: str = setting(
        "",
        Url("ws"),
        "The address of the plugin's WebSocket; empty means: look for it.",
        group=AGENTS,
        variable="LINGMA_PROXY_WS_URL",
        flag="--ws-url",
    )
    shared_client_info: str = setting(
        "",
        Text("the path of a file"),
        "The file in which the plugin says where it listens (`.info.json` or `.info`); empty "
        "means: look in all known places.",
        group=AGENTS,
        variable="LINGMA_SHARED_CLIENT_INFO",
    )
    acp_command: str = setting(
        "",
        Text("a command line, or the name of a known agent"),
        "How to start an agent that speaks the Agent Client Protocol on its standard streams, or "
        "the name of a known one, which is then started without tools of its own: `qodercli`, "
        "`qoderclicn`, `opencode`, `qwen-code`. Empty means: the first known one that is installed.",
        group=AGENTS,
    )
    cwd: str = setting(
        "",
        Text("the path of a folder"),
        "The folder that the plugin or the agent is told to work in; empty means: an empty one, "
        "which is removed at the end. A command line of your own may leave the agent tools: they begin there.",
        group=AGENTS,
    )
    current_file_path: str = setting(
        "",
        Text("the path of a file"),
        "The file that the plugin takes for the one being edited.",
        group=AGENTS,
    )
    mode: str = setting(
        "agent",
        Text("a mode of the plugin, such as agent or chat"),
        "The mode in which the plugin answers.",
        group=AGENTS,
    )
    shell_type: str = setting(
        "",
        Text("the name of a shell"),
        "The shell that the plugin takes for the user's; empty means: the one of this machine.",
        group=AGENTS,
    )
    session_mode: str = setting(
        "auto",
        Word(("auto", "fresh", "reuse")),
        "When the plugin or the agent goes on in a session instead of a new one: `auto` where a "
        "request begins with exactly what was asked and answered there, `reuse` also where the "
        "client names the same conversation and its own words are the same, `fresh` never.",
        group=AGENTS,
    )
    setup_timeout: float = setting(
        15.0,
        Number(1, 600),
        "How long the plugin may take until it can be asked something; an agent, which has to be "
        "started first, may take four times as long.",
        group=AGENTS,
    )

    model: str = setting(
        DEFAULT_MODEL,
        Text("the name of a model", needed=True),
        "The model for requests that name none, and for names of other vendors. While it is the "
        "default, an agent (`acp`) uses whichever it is set to.",
        group=MODELS,
    )
    model_aliases: Mapping[str, str] = setting(
        MappingProxyType({}),
        Pairs(),
        "Names of your own for models, as name and key.",
        group=MODELS,
    )
    foreign_models: Mapping[str, str] = setting(
        FOREIGN,
        Pairs(),
        "Names of other vendors' models that clients insist on (* stands for anything), and the "
        "key that answers instead; an empty key is the default model. It replaces the built-in "
        "list.",
        group=MODELS,
    )
    claude_names: bool = setting(
        default=False,
        kind=Switch(),
        text="List every model once more under a name that begins with `claude`, for clients "
        "that show no others.",
        group=MODELS,
    )
    models_lifetime: float = setting(
        300.0,
        Number(1, 86400),
        "How long the list of models is used before it is fetched again, in the background.",
        group=MODELS,
    )

    remote_fallback_enabled: bool = setting(
        default=True,
        kind=Switch(),
        text="Ask another model where one fails before anything was said: it took too long, is "
        "overloaded, broke off or could not be reached. The reply then says who answered.",
        group=MODELS,
        variable="LINGMA_REMOTE_FALLBACK_ENABLED",
        flag="--remote-fallback",
    )
    remote_fallback_models: tuple[str, ...] = setting(
        (),
        Words(),
        "Which models are asked then: those behind the one that failed, in this order, that can "
        "do what the request needs. Empty means the list of Lingma Proxy 1.6, from kmodel on.",
        group=MODELS,
        variable="LINGMA_REMOTE_FALLBACK_MODELS",
    )
    fallback_attempts: int = setting(
        3, Whole(1, 10), "How often a request is tried, in all.", group=MODELS
    )
    fallback_budget: float = setting(
        180.0,
        Number(1, 3600),
        "How long after its first try another one may begin.",
        group=MODELS,
    )
    fallback_patience: float = setting(
        10.0,
        Number(0, 300),
        "How long is waited for a model that says when it will be back, if no other can answer.",
        group=MODELS,
    )
    emulate_tools: str = setting(
        "auto",
        Word(("auto", "always", "never")),
        "When a model is told of the client's tools in words, and its calls are read from its "
        "text: `auto` where it takes no tools otherwise (the plugin, agents), `always` for every "
        "model, `never` leaves tools away where they cannot be passed on.",
        group=MODELS,
    )
    ask_again_for_calls: bool = setting(
        default=False,
        kind=Switch(),
        text="Ask a model once more that announces a call in a short text (which names the tool "
        "and ends in a colon) and then makes none; only where calls are read from text.",
        group=MODELS,
    )
    fetch_links: bool = setting(
        default=True,
        kind=Switch(),
        text="Fetch what http and https links in requests lead to (pictures, documents); otherwise "
        "links to pictures go on to whoever answers.",
        group=PICTURES,
    )
    fetch_private: tuple[str, ...] = setting(
        (),
        Words(),
        "Hosts, addresses and networks such as nas.local, 192.168.1.7 or 10.0.0.0/8 whose links "
        "are fetched although they are not public.",
        group=PICTURES,
    )
    fetch_timeout: float = setting(
        20.0,
        Number(0.1, 600),
        "How long a link may take, with all its redirects.",
        group=PICTURES,
    )
    fetch_max_mb: int = setting(
        20, Whole(1, 200, "MB"), "The most that a link or a file may hold.", group=PICTURES
    )
    image_folders: tuple[str, ...] = setting(
        (),
        Words(),
        "Folders below which clients may name pictures by their path (or as file://…); empty "
        "means: no files are read.",
        group=PICTURES,
    )
    max_images: int = setting(
        100, Whole(1, 1000), "How many pictures a conversation may hold.", group=PICTURES
    )
    image_max_side: int = setting(
        1568,
        Whole(64, 8192, "pixels"),
        "The longer side of a picture as it is sent; a larger one is made smaller.",
        group=PICTURES,
    )
    image_max_mb: float = setting(
        2.0,
        Number(0.05, 20, "MB"),
        "The size of a picture as it is sent; a larger one is made smaller.",
        group=PICTURES,
    )
    image_max_megapixels: int = setting(
        64,
        Whole(1, 89, "megapixels"),
        "The most pixels that a picture may have to be opened at all.",
        group=PICTURES,
    )
    describe_images: str = setting(
        "",
        Text("the name of a model"),
        "The model that describes pictures to models which see none; empty means: those are "
        "refused, and models that see are named.",
        group=PICTURES,
    )

    max_concurrent: int = setting(
        8,
        Whole(1, 64),
        "How many requests are answered at the same time; a place that becomes free goes to the "
        "client that has the fewest.",
        group=LIMITS,
    )
    max_concurrent_per_model: int = setting(
        0,
        Whole(0, 64),
        "How many requests the same model answers at the same time; 0 means: as many as come.",
        group=LIMITS,
    )
    model_limits: Mapping[str, int] = setting(
        MappingProxyType({}),
        Counts(0, 64),
        "The same for single models, by their keys.",
        group=LIMITS,
    )
    max_queue: int = setting(
        64,
        Whole(0, 10000),
        "How many more may wait for their turn, and for each model's; the next is answered 429 at once, or the newest of "
        "the client that has most waiting.",
        group=LIMITS,
    )
    queue_timeout: float = setting(
        30.0,
        Number(0, 3600),
        "How long one may wait for its turn before it gets 429.",
        group=LIMITS,
    )
    max_body_mb: int = setting(
        32, Whole(1, 1024, "MB"), "The largest body of a request; more is a 413.", group=LIMITS
    )
    document_max_pages: int = setting(
        300,
        Whole(1, 10000),
        "The most pages of a PDF that are read; one that has more is refused.",
        group=LIMITS,
    )
    connect_timeout: float = setting(
        10.0, Number(0.1, 600), "How long a connection to Lingma's API may take.", group=LIMITS
    )
    first_byte_timeout: float = setting(
        120.0,
        Number(0, 3600, zero="no limit"),
        "How long whoever answers may take for the first event of a reply; bytes that come to "
        "nothing do not count.",
        group=LIMITS,
    )
    idle_timeout: float = setting(
        120.0,
        Number(0, 3600, zero="no limit"),
        "How long whoever answers may take from one event of a reply to the next.",
        group=LIMITS,
    )
    timeout: float = setting(
        0.0,
        Number(0, 86400, zero="no limit"),
        "How long one may wait for a whole reply, all in all.",
        group=LIMITS,
        variable="LINGMA_PROXY_TIMEOUT_SECONDS",
    )
    heartbeat: float = setting(
        10.0,
        Number(0.1, 300),
        "How long a client is left without a sign of life while Lingma is silent.",
        group=LIMITS,
    )
    shutdown_grace: float = setting(
        10.0, Number(0, 600), "How long replies may go on after we are told to stop.", group=LIMITS
    )

    recording: str = setting(
        "on",
        Word(("on", "off")),
        "Whether anything is kept on disk: what was asked and what came of it, to look up later "
        "(docs/recording.md), and the responses of the Responses API whose request does not say "
        "`store: false`, to go on from.",
        group=RECORDING,
    )
    data_dir: str = setting(
        "",
        Text("the path of a folder"),
        "The folder in which it is kept (`recording.sqlite3`, readable for you alone); empty "
        "means: where this system keeps the data of programs.",
        group=RECORDING,
    )
    recording_bodies: bool = setting(
        default=True,
        kind=Switch(),
        text="Whether requests and replies are kept with their texts, without secrets and pictures; "
        "else only what happened: times, models, tokens, errors.",
        group=RECORDING,
    )
    recording_body_kb: int = setting(
        1024,
        Whole(1, 65536, "KB"),
        "How much of each text is kept: its beginning.",
        group=RECORDING,
    )
    recording_days: int = setting(
        7,
        Whole(1, 3650, "days"),
        "How long something is kept after it was last used.",
        group=RECORDING,
    )
    recording_count: int = setting(
        20_000,
        Whole(1, 10_000_000),
        "How many are kept of each kind; the oldest go first.",
        group=RECORDING,
    )
    recording_mb: int = setting(
        500,
        Whole(1, 1_000_000, "MB"),
        "How much is kept, of all kinds together; the oldest go first.",
        group=RECORDING,
    )

    web_search: str = setting(
        "",
        CommandOrAddress("a command line, or an http(s) address with {query} in it"),
        "Searches the web for clients that leave it to the server (Anthropic's `web_search`): a "
        "program and its arguments, which is started without a shell and gets the query where "
        "`{query}` stands or as one more argument, or an address such as "
        "https://host/search?q={query}&format=json. It answers within 20 seconds with JSON: a "
        "list, or `results`, of `url`, `title`, `text` and `page_age` (SearXNG's, Brave's, "
        "Tavily's and Serper's answers are understood). Empty means: no search; such clients get "
        "a warning.",
        group=OTHER,
    )
    check_grammar: bool = setting(
        default=False,
        kind=Switch(),
        text="Check the order of every stream's events while it runs; costs time, finds bugs.",
        group=OTHER,
    )
    log_level: str = setting(
        "info",
        Word(("debug", "info", "warning", "error")),
        "How much is told on standard error; prompts and secrets never are.",
        group=OTHER,
    )
    log_format: str = setting(
        "text",
        Word(("text", "json")),
        "Lines for people, or one JSON object a line for programs.",
        group=OTHER,
    )


def _table() -> tuple[Setting, ...]:
    defaults = Settings()
    return tuple(
        Setting(
            name=each.name,
            kind=each.metadata["kind"],
            default=getattr(defaults, each.name),
            help=each.metadata["help"],
            group=each.metadata["group"],
            live=each.metadata["live"],
            variable=each.metadata["variable"] or f"LINGMA_PROXY_{each.name.upper()}",
            flag=each.metadata["flag"] or "--" + each.name.replace("_", "-"),
        )
        for each in fields(Settings)
    )


TABLE = _table()
