"""A site of Django's that sends jobs: python3 python-peer.py LAYER PREFIX HOST...

Each line of input is a question, {"ask": name, ...}; each line of output answers one. Answers say "error" when Python raises.
"""
import asyncio
import json
import sys

sys.dont_write_bytecode = True
[kind, prefix, *hosts] = sys.argv[1:]
if kind == "redis+core":
    from channels_redis.core import RedisChannelLayer as Layer
else:
    from channels_redis.pubsub import RedisPubSubChannelLayer as Layer
layer = Layer(hosts=hosts, prefix=prefix)


async def send(question):
    await layer.send(question["channel"], eval(question["message"]))


async def send_many(question):
    for number in range(question["first"], question["first"] + question["count"]):
        await layer.send(question["channel"], {"type": "job.run", "number": number})


async def main():
    answers = {answer.__name__: answer for answer in [send, send_many]}
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        question = json.loads(line)
        try:
            answer = {"value": await answers[question["ask"]](question)}
        except Exception as error:
            answer = {"error": type(error).__name__}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
