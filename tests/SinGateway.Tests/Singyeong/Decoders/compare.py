"""Compares packets with the JSON that they were made of, value by value.

  compare.py msgpack CASES           reads the packets with msgpack
  compare.py etf CASES DECODED       takes what decode.erl has read, a line a packet

CASES holds, for each case: the JSON and the packet, each behind its length (32 bits, the highest byte first). Prints how many are the same, or
ends with the first that is not.
"""
import json
import struct
import sys


def first_wins(pairs):
    found = {}
    for key, value in pairs:
        found.setdefault(well_formed(key), value)
    return found


def well_formed(text):
    """Joins surrogate pairs and replaces their halves."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_large(integer):
    return not -(2**63) <= integer < 2**64


def nearest(integer):
    try:
        return float(integer)
    except OverflowError:
        return float("inf") if integer > 0 else float("-inf")


def canonical(value, large_is_float):
    """Type and value as one line: texts in hexadecimal, floats as their bits, keys sorted."""
    if value is None:
        return "n"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, int):
        return canonical(nearest(value), False) if large_is_float and is_large(value) else "i%d" % value
    if isinstance(value, float):
        return "d" + struct.pack(">d", max(min(value, sys.float_info.max), -sys.float_info.max)).hex()
    if isinstance(value, str):
        return "s" + well_formed(value).encode().hex()
    if isinstance(value, list):
        return "[" + ",".join(canonical(each, large_is_float) for each in value) + "]"
    if isinstance(value, dict):
        pairs = sorted((canonical(key, False), canonical(each, large_is_float)) for key, each in value.items())
        return "{" + ",".join(key + ":" + each for key, each in pairs) + "}"
    raise TypeError(type(value))


def cases(name):
    with open(name, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        parts = []
        for _ in range(2):
            (length,) = struct.unpack_from(">I", data, at)
            parts.append(data[at + 4 : at + 4 + length])
            at += 4 + length
        yield parts


sys.setrecursionlimit(5000)


def main():
    encoding = sys.argv[1]
    if encoding == "msgpack":
        import msgpack

        read = (canonical(msgpack.unpackb(packet), large_is_float=False) for _, packet in cases(sys.argv[2]))
    else:
        with open(sys.argv[3], "r", encoding="ascii") as file:
            read = file.read().split("\n")
    count = 0
    for (text, packet), found in zip(cases(sys.argv[2]), read):
        expected = canonical(json.loads(text.decode("utf-8", "replace"), object_pairs_hook=first_wins), encoding == "msgpack")
        if found != expected:
            sys.exit("%s\nis written as %s\nwhich reads as %s\nnot as        %s" % (text.decode(), packet.hex(), found, expected))
        count += 1
    print(count)


main()
