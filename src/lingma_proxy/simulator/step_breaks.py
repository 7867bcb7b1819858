"""What becomes of a step of a connection's life, as `turn_faults.at_steps` has it."""

from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.line import Line
from lingma_proxy.simulator.rpc import INTERNAL_ERROR, Dropped, RpcError
from lingma_proxy.simulator.silence import silence


async def survive(step: str, faults: Faults, line: Line) -> None:
    """Return when the step may be taken: at once, or late.

    Raises Dropped when it ends the connection, RpcError when an error is its answer.
    """
    if f"hang-{step}" in faults:
        await silence(faults.seconds(f"hang-{step}"))
    if f"drop-{step}" in faults:
        line.drop()
        raise Dropped("as asked for")
    if f"error-{step}" in faults:
        code = -(faults.number(f"error-{step}") or -INTERNAL_ERROR)
        raise RpcError(code, "the simulator was asked to fail")
