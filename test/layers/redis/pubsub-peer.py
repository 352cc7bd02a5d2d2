"""A process of channels_redis' pub/sub layer: python3 pubsub-peer.py PREFIX HOST...

Each line of input is a question, {"ask": name, ...}; each line of output answers one.
"""
import asyncio
import json
import os
import sys

from channels_redis.pubsub import RedisPubSubChannelLayer

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "codec"))
from canonical import sha256  # noqa: E402

[prefix, *hosts] = sys.argv[1:]
layer = RedisPubSubChannelLayer(hosts=hosts, prefix=prefix)


async def new_channel(question):
    return await layer.new_channel()


async def group_add(question):
    await layer.group_add(question["group"], question["channel"])


async def group_discard(question):
    await layer.group_discard(question["group"], question["channel"])


async def send(question):
    await layer.send(question["channel"], question["message"])


async def group_send(question):
    await layer.group_send(question["group"], question["message"])


async def receive(question):
    """The hashes of the next messages; each is sent on to a channel or group as well, if one is named."""
    hashes = []
    for _ in range(question["count"]):
        message = await layer.receive(question["channel"])
        hashes.append(sha256(message))
        if question.get("to"):
            await layer.send(question["to"], message)
        if question.get("to_group"):
            await layer.group_send(question["to_group"], message)
    return hashes


async def main():
    answers = {answer.__name__: answer for answer in [new_channel, group_add, group_discard, send, group_send, receive]}
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        question = json.loads(line)
        print(json.dumps(await answers[question["ask"]](question)), flush=True)
    await layer.flush()


asyncio.run(main())
