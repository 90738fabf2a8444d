"""Request weights that are not only counted: too much is refused, and going on ends in a ban."""

from __future__ import annotations

from http import HTTPStatus

from klineforge.simulator.faults.kinds import API, Asked, reply_fault
from klineforge.simulator.faults.refusals import banned
from klineforge.simulator.replies import Reply, json_reply

USED = "X-MBX-USED-WEIGHT-1M"


@reply_fault(API)
def rate_limit(
    reply: Reply, asked: Asked, *, limit: int = 6000, patience: int = 3, seconds: int = 120, growth: float = 5.0
) -> Reply:
    """Answer 429 above limit weight per minute, after patience such answers 418 for seconds, growing ban by ban."""
    now, memory = asked.now.timestamp(), asked.memory
    if now < memory.get("until", 0.0):
        return banned(memory["until"], now, reply, header=True)
    if int(reply.headers.get(USED, 0)) <= limit:
        return reply
    minute = int(now) // 60
    refused = memory["refused"] = memory.get("refused", 0) + 1 if memory.get("minute") == minute else 1
    memory["minute"] = minute
    if refused > patience:
        bans = memory["bans"] = memory.get("bans", 0) + 1
        memory["until"] = now + seconds * growth ** (bans - 1)
        return banned(memory["until"], now, reply, header=True)
    body = {"code": -1003, "msg": f"Too much request weight used; current limit is {limit} per 1 MINUTE."}
    wait = {"Retry-After": str(60 - int(now) % 60)}
    return json_reply(body, {**reply.headers, **wait}, HTTPStatus.TOO_MANY_REQUESTS)


@reply_fault(API)
def used_weight(reply: Reply, _asked: Asked, *, used: int = 5990) -> Reply:
    """Say that this much request weight has been used in the minute."""
    return Reply(reply.status, reply.body, reply.content_type, {**reply.headers, USED: str(used)})
