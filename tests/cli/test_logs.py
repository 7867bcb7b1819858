import asyncio
import logging
import threading

import pytest

from lingma_proxy.cli import logs
from lingma_proxy.cli.logs import Gathering


class Written(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def log():
    logger = logging.Logger("test", logging.DEBUG)  # noqa: LOG001 - one that no other test can hear
    yield logger
    for handler in logger.handlers:
        handler.close()


async def test_lines_of_a_moment_are_written_together_in_their_order(log, monkeypatch):
    monkeypatch.setattr(logs, "SOON", 0.01)
    written = Written()
    log.addHandler(Gathering(written))

    log.info("one")
    log.info("two")
    assert written.lines == []
    while not written.lines:
        await asyncio.sleep(0.001)

    assert written.lines == ["one", "two"]


async def test_a_warning_does_not_wait_nor_does_what_came_before_it(log):
    written = Written()
    log.addHandler(Gathering(written))

    log.info("one")
    log.warning("two")

    assert written.lines == ["one", "two"]


async def test_many_lines_do_not_wait(log):
    written = Written()
    log.addHandler(Gathering(written))

    for number in range(logs.MOST):
        log.info("%s", number)

    assert len(written.lines) == logs.MOST


async def test_a_line_of_another_thread_goes_out_at_once(log):
    written = Written()
    log.addHandler(Gathering(written))

    thread = threading.Thread(target=log.info, args=("from afar",))
    thread.start()
    thread.join()

    assert written.lines == ["from afar"]


async def test_what_waits_at_the_end_is_written(log):
    written = Written()
    handler = Gathering(written)
    log.addHandler(handler)

    log.info("last")
    handler.close()

    assert written.lines == ["last"]


async def test_ours_is_told_from_the_level_on_and_warnings_of_others(capsys):
    root = logging.getLogger()
    handler = logs.start("info")
    try:
        logging.getLogger("lingma_proxy.access").info("GET / 200")
        logging.getLogger("lingma_proxy.server").debug("not told")
        logging.getLogger("aiohttp").info("not told")
        logging.getLogger("aiohttp").warning("hm")
    finally:
        root.removeHandler(handler)
        handler.close()
        logging.getLogger("lingma_proxy").setLevel(logging.NOTSET)

    said = capsys.readouterr().err
    assert "INFO GET / 200\n" in said
    assert "WARNING hm\n" in said
    assert "not told" not in said
