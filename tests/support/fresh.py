"""A machine on which nobody is logged in, no plugin runs and no agent is installed."""

import os


def fresh(monkeypatch, home):
    """This process from now on: an empty home, nothing set, nothing on the PATH."""
    for variable in list(os.environ):
        if variable.startswith(("LINGMA_", "XDG_")) or variable.lower().endswith("_proxy"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("PATH", str(home))


def install(home, name):
    """A program of that name on the PATH of the fresh machine."""
    program = home / name
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
