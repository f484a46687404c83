"""Visitors of the made-up shop and what they do on one day, as Mixpanel's SDKs would report it."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple
from uuid import UUID

from mixflows.demo import catalogue as shop

DAY_SECONDS = 86_400
_HOUR_MS = 3_600_000
_LONGEST_SESSION_EVENTS = 60


class Event(NamedTuple):
    """One event as its device saw it, delivered once.

    Attributes:
        time: Seconds since 1970, UTC, by a clock that is right.
        arrival_ms: When Mixpanel receives it, milliseconds since 1970.
        properties: All properties of the export's line, `time` and `mp_processing_time_ms` included.
    """

    name: str
    time: int
    arrival_ms: int
    properties: dict[str, object]

    @property
    def is_mobile(self) -> bool:
        """Whether a phone sent it."""
        return self.properties["mp_lib"] != "web"

    @property
    def is_of_retrying_release(self) -> bool:
        """Whether the faulty release of the web SDK sent it."""
        return self.properties["$lib_version"] == shop.RETRYING_RELEASE


class _Visitor(NamedTuple):
    distinct_id: str
    place: shop.Place
    device: shop.Device
    is_customer: bool
    properties: dict[str, object]


def day_events(rng: Random, seed: int, day_number: int, count: int, visitors: int, released: int) -> Iterator[Event]:
    """The events of all visits that begin on one day, in no particular order.

    Args:
        rng: The day's own source of chance.
        seed: Decides who the visitors are; the same on all days, so that they come back.
        day_number: Days since 1970; visits begin on it in UTC, and may end after midnight.
        count: Events to make; the last visit is not cut short, so that a few more may come.
        visitors: How many visitors the shop has; a few of them come often, most of them seldom.
        released: Events that come from the faulty release of the web SDK, by whole visits.
    """
    made = made_by_release = 0
    while made < count:
        visitor = _visitor(seed, int(visitors * rng.random() ** 3))
        by_release = not visitor.device.mobile and made_by_release < released
        for event in _visit(rng, visitor, day_number, by_release):
            made += 1
            made_by_release += by_release
            yield event


def _visitor(seed: int, number: int) -> _Visitor:
    rng = Random(f"{seed}/visitor/{number}")
    place = shop.PLACES.draw(rng)
    device = shop.DEVICES.draw(rng)
    is_customer = rng.random() < 0.85
    device_id = UUID(int=rng.getrandbits(128))
    properties: dict[str, object] = {
        "mp_lib": device.library,
        "$lib_version": device.library_version,
        "$os": device.os,
        "$browser": device.browser,
        "$screen_width": device.screen_widths[rng.getrandbits(16) % len(device.screen_widths)],
        "$city": place.cities[rng.getrandbits(16) % len(place.cities)],
        "mp_country_code": place.country,
    }
    if is_customer:
        properties["customer_id"] = f"C{100_000 + number}"
        properties["plan"] = shop.PLANS.draw(rng)
    if rng.random() < 0.3:
        properties["experiments"] = {"checkout": shop.VARIANTS.draw(rng)}
    return _Visitor(str(device_id) if is_customer else f"$device:{device_id}", place, device, is_customer, properties)


def _visit(rng: Random, visitor: _Visitor, day_number: int, by_release: bool) -> Iterator[Event]:
    mobile = visitor.device.mobile
    session = visitor.properties
    if by_release:
        session = {**session, "$lib_version": shop.RETRYING_RELEASE}
    hour = (shop.LOCAL_HOURS.draw(rng) - visitor.place.utc_offset_hours) % 24
    time = day_number * DAY_SECONDS + hour * 3600 + int(rng.random() * 3600)
    delay_ms = _visit_delay_ms(rng)
    usual_latency_ms = 20_000 if mobile else 2_500
    cart: list[shop.Product] = []
    product = shop.PRODUCTS.draw(rng)
    name = _first_event(rng, visitor)
    for step in range(_LONGEST_SESSION_EVENTS):
        arrival_ms = time * 1000 + delay_ms + 250 + int(rng.expovariate(1 / usual_latency_ms))
        if name == "Product Viewed":
            product = shop.PRODUCTS.draw(rng)
        elif name == "Added to Cart":
            cart.append(product)
        properties: dict[str, object] = {
            "time": time,
            "distinct_id": visitor.distinct_id,
            "$insert_id": f"{rng.getrandbits(64):016x}" if mobile else str(UUID(int=rng.getrandbits(128))),
            "mp_processing_time_ms": arrival_ms,
            **session,
        }
        if step == 0 and not mobile:
            properties["$initial_referrer"] = shop.REFERRERS.draw(rng)
        _describe(rng, name, properties, visitor, product, cart)
        yield Event(name, time, arrival_ms, properties)
        if name == "Order Completed":
            cart = []
        name = shop.NEXT_EVENT[name].draw(rng)
        if name == shop.LEAVE:
            return
        time += 1 + int(rng.expovariate(1 / 35))


def _first_event(rng: Random, visitor: _Visitor) -> str:
    if visitor.device.mobile:
        return "Push Received" if rng.random() < 0.35 else "App Opened"
    if not visitor.is_customer and rng.random() < 0.1:
        return "Signed Up"
    return "Page Viewed"


def _visit_delay_ms(rng: Random) -> int:
    """How long the device keeps the visit's events for want of a network: mostly not at all, sometimes for days."""
    chance = rng.random()
    if chance < 0.005:
        return int((1 + 5 * rng.random()) * 24 * _HOUR_MS)
    if chance < 0.02:
        return int(rng.expovariate(1 / (4 * _HOUR_MS)))
    return 0


def _describe(
    rng: Random,
    name: str,
    properties: dict[str, object],
    visitor: _Visitor,
    product: shop.Product,
    cart: list[shop.Product],
) -> None:
    """Adds the properties that belong to this kind of event."""
    match name:
        case "Page Viewed":
            properties["page"] = shop.PAGES.draw(rng)
            properties["load_ms"] = 120 + int(rng.expovariate(1 / 400))
        case "Search":
            properties["query"] = shop.QUERIES.draw(rng)
            properties["results"] = rng.getrandbits(7)
        case "Product Viewed" | "Added to Cart":
            properties["product_id"] = product.sku
            properties["category"] = product.category
            properties["price"] = product.price_cents / 100
            properties["currency"] = visitor.place.currency
        case "Checkout Started" | "Order Completed":
            properties["items"] = [{"product_id": item.sku, "price": item.price_cents / 100} for item in cart[:5]]
            properties["total"] = sum(item.price_cents for item in cart) / 100
            properties["currency"] = visitor.place.currency
            if name == "Order Completed":
                properties["order_id"] = f"{rng.getrandbits(40):010X}"
                properties["payment"] = shop.PAYMENTS.draw(rng)
        case "Push Received":
            properties["campaign"] = shop.CAMPAIGNS.draw(rng)
            properties["tags"] = ["push", visitor.place.country]
        case "Signed Up":
            properties["method"] = "email" if rng.random() < 0.7 else "google"
        case _:
            properties["cold_start"] = rng.random() < 0.4
