import subprocess
import sys

PROGRAM = """
import asyncio
from lingma_proxy.simulator.stdio import Stdio, end

async def main():
    stdio = Stdio()
    async for chunk in stdio.chunks():
        await stdio.write(chunk, binary=False)
    if {drop}:
        stdio.drop()
    end(7)

asyncio.run(main())
"""


def echo(data, *, drop=False):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(drop=drop)],
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_what_comes_in_can_go_out_until_there_is_no_more():
    data = b"x" * 200_000 + b"\n" + "你好🙂".encode()
    done = echo(data)

    assert (done.stdout, done.stderr, done.returncode) == (data, b"", 7)


def test_to_drop_the_wire_is_to_end_with_a_word():
    done = echo(b"a", drop=True)

    assert (done.stdout, done.returncode) == (b"a", 9)
    assert b"a fault has ended me" in done.stderr


def test_standard_input_may_be_a_file(tmp_path):
    (tmp_path / "in").write_bytes(b"hello")
    with (tmp_path / "in").open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(drop=False)],
            stdin=file,
            capture_output=True,
            timeout=60,
            check=False,
        )

    assert done.stdout == b"hello"
