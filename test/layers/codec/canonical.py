"""The hash of a value, the same as canonical.ts makes."""
import hashlib
import struct
import sys

# Each level of a body costs several levels of canonical().
sys.setrecursionlimit(10_000)


def canonical(value):
    """One text for each value, the same as canonical() in the tests writes."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return "nan"
        if value.is_integer() and abs(value) < 2**53:
            return "i%d" % value
        return "d" + struct.pack(">d", value).hex()
    if isinstance(value, int):
        return "i%d" % value
    if isinstance(value, str):
        return "s" + value.encode("utf-8").hex()
    if isinstance(value, bytes):
        return "b" + value.hex()
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(sorted(canonical(key) + ":" + canonical(inner) for key, inner in value.items())) + "}"
    raise TypeError(type(value).__name__)


def sha256(value):
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()
