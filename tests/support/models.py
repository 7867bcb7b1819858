"""An account with a few models, known to different degrees."""

from lingma_proxy.backend import Model

KIMI = Model("kmodel", "Kimi-K2.6", 256_000, 32_000, sees=True, reasons=True, is_default=True)
QWEN = Model("qmodel", "Qwen3.6-Plus", 128_000)
UNKNOWN = Model("mmodel", "MiniMax-M2.7")
OFF = Model("off", "Off", enabled=False)
ACCOUNT = [KIMI, QWEN, UNKNOWN, QWEN, OFF]
"""One is listed twice (the vendor has two groups), one is switched off."""
