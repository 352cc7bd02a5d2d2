"""The other side of the codec's tests: reads and writes bodies with Python's own packages.

Each line of input is a question, {"ask": name, ...}; each line of output answers one. Bytes travel as hex.
"""
import asyncio
import json
import sys

import msgpack
from channels_redis.core import RedisChannelLayer
from cryptography.fernet import InvalidToken

sys.dont_write_bytecode = True
from canonical import sha256  # noqa: E402


def outcome(read, body):
    """What a reader makes of a body: its hash, or None when it raises."""
    try:
        return sha256(read(body))
    except Exception:
        return None


def unpack(body):
    return msgpack.unpackb(body, raw=False, strict_map_key=True)


def read_back(question):
    """For each body: the hash of what it holds, and the body that Python writes of that."""
    read, write = {
        "msgpack": (unpack, msgpack.packb),
        "json": (json.loads, lambda value: json.dumps(value).encode("utf-8")),
    }[question["serializer"]]
    values = [read(bytes.fromhex(body)) for body in question["bodies"]]
    return [{"hash": sha256(value), "body": write(value).hex()} for value in values]


def write(question):
    """The bodies of Python literals."""
    dump = {"msgpack": msgpack.packb, "json": lambda value: json.dumps(value).encode("utf-8")}[question["serializer"]]
    values = [eval(literal, {"nan": float("nan"), "inf": float("inf")}) for literal in question["literals"]]
    return [dump(value).hex() for value in values]


def outcomes(question):
    return [outcome(unpack, bytes.fromhex(body)) for body in question["bodies"]]


def layer(question):
    return RedisChannelLayer(
        hosts=["redis://127.0.0.1:1"], symmetric_encryption_keys=question["keys"], expiry=question.get("expiry", 60)
    )


def serialize(question):
    return layer(question).serialize(eval(question["literal"])).hex()


def deserialize(question):
    try:
        return sha256(layer(question).deserialize(bytes.fromhex(question["frame"])))
    except InvalidToken:
        return "InvalidToken"


def encrypt_at(question):
    """A token that was made at another time."""
    [key] = question["keys"]
    token = layer(question).make_fernet(key).encrypt_at_time(bytes.fromhex(question["body"]), question["time"])
    return token.hex()


async def main():
    answers = [read_back, write, outcomes, serialize, deserialize, encrypt_at]
    by_name = {answer.__name__: answer for answer in answers}
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(by_name[question["ask"]](question)), flush=True)


asyncio.run(main())
