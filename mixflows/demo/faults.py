"""How one event, or one line, of the export is spoilt."""

from collections.abc import Callable
from random import Random

from mixflows.demo.counts import MISSING_INSERT_ID
from mixflows.demo.shop import Event


def at_time(event: Event, time: int) -> Event:
    """The event by a wrong clock; seconds since 1970, UTC."""
    return event._replace(time=time, properties={**event.properties, "time": time})


def without_insert_id(rng: Random, event: Event) -> tuple[Event, str]:
    """The event without its insert id, mostly absent and sometimes null, and why it is rejected."""
    properties = {name: value for name, value in event.properties.items() if name != "$insert_id"}
    if rng.random() < 0.25:
        properties["$insert_id"] = None
    return event._replace(properties=properties), MISSING_INSERT_ID


MALFORMED: tuple[Callable[[bytes], bytes], ...] = (
    lambda line: line[: line.rindex(b",")],
    lambda _: b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
    lambda line: line[: line.index(b',"properties"')] + b"}",
    lambda _: b'{"event":"Page Viewed","properties":{"time":"yesterday","page":"/sale","mp_lib":"web"}}',
    lambda line: b"[" + line + b"]",
)
"""Lines that are no event, each made of one that is: cut off, a proxy's page, without properties, a time in words, in an array."""
