"""The other side of the core layer's tests: Python's own layer, which sends and receives.

Each line of input is a question, {"ask": name, ...}; each line of output answers one. Answers say "error" when Python raises.
"""
import asyncio
import json
import os
import sys

from channels_redis.core import RedisChannelLayer

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "codec"))
from canonical import sha256  # noqa: E402

layers = {}


async def layer(question):
    layers[question["layer"]] = RedisChannelLayer(**question["options"])


async def new_channel(question):
    return await layers[question["layer"]].new_channel()


async def send(question):
    await layers[question["layer"]].send(question["channel"], eval(question["message"]))


async def group_send(question):
    await layers[question["layer"]].group_send(question["group"], eval(question["message"]))


async def group_add(question):
    await layers[question["layer"]].group_add(question["group"], question["channel"])


async def group_discard(question):
    await layers[question["layer"]].group_discard(question["group"], question["channel"])


async def receive(question):
    """The hashes of so many messages of a channel."""
    receiver = layers[question["layer"]]
    wait = question.get("timeout", 10)
    return [
        sha256(await asyncio.wait_for(receiver.receive(question["channel"]), wait)) for _ in range(question["count"])
    ]


async def bounce(question):
    """Receives so many messages, sends each on to a channel or a group, and gives their hashes."""
    one = layers[question["layer"]]
    hashes = []
    for _ in range(question["count"]):
        message = await asyncio.wait_for(one.receive(question["channel"]), 10)
        hashes.append(sha256(message))
        if "group" in question:
            await one.group_send(question["group"], message)
        else:
            await one.send(question["to"], message)
    return hashes


async def main():
    answers = [layer, new_channel, send, group_send, group_add, group_discard, receive, bounce]
    by_name = {answer.__name__: answer for answer in answers}
    lines = asyncio.get_running_loop()
    while True:
        line = await lines.run_in_executor(None, sys.stdin.readline)
        if not line:
            break
        question = json.loads(line)
        try:
            answer = {"value": await by_name[question["ask"]](question)}
        except Exception as error:
            answer = {"error": type(error).__name__}
        print(json.dumps(answer), flush=True)
    for one in layers.values():
        await one.close_pools()


asyncio.run(main())
