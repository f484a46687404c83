"""What the made-up shop consists of: places, devices, goods, and how visitors move from one event to the next."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """Draws one of its values, each as often as its weight says.

    It asks for one `Random.random()` a draw, whose sequence Python keeps from version to version.
    """

    def __init__(self, pairs: Sequence[tuple[T, float]]) -> None:
        self._values = tuple(value for value, _ in pairs)
        self._bounds = tuple(accumulate(weight for _, weight in pairs))

    def draw(self, rng: Random) -> T:
        """One value."""
        return self._values[min(bisect(self._bounds, rng.random() * self._bounds[-1]), len(self._values) - 1)]


@dataclass(frozen=True)
class Place:
    """Where a visitor lives. The offset is whole hours east of UTC, in summer."""

    country: str
    cities: tuple[str, ...]
    utc_offset_hours: int
    currency: str


@dataclass(frozen=True)
class Device:
    """What a visitor holds in the hand."""

    os: str
    browser: str
    library: str
    library_version: str
    screen_widths: tuple[int, ...]
    mobile: bool


@dataclass(frozen=True)
class Product:
    """One of the goods; the price is in hundredths of the currency."""

    sku: str
    category: str
    price_cents: int


PLACES = Weighted(
    [
        (Place("US", ("New York", "Chicago", "Austin", "Seattle"), -5, "USD"), 30),
        (Place("DE", ("Berlin", "Hamburg", "München", "Köln"), 2, "EUR"), 18),
        (Place("GB", ("London", "Leeds", "Glasgow"), 1, "GBP"), 14),
        (Place("FR", ("Paris", "Lyon", "Saint-Étienne"), 2, "EUR"), 9),
        (Place("BR", ("São Paulo", "Rio de Janeiro"), -3, "BRL"), 9),
        (Place("PL", ("Warszawa", "Kraków"), 2, "PLN"), 6),
        (Place("JP", ("Tokyo", "大阪市"), 9, "JPY"), 6),
        (Place("IN", ("Bengaluru", "Pune"), 5, "INR"), 8),
    ]
)

RETRYING_RELEASE = "2.58.0"
"""The web SDK whose every request is sent again; rolled out to a few visitors on one day."""

_DESKTOP = (1280, 1440, 1536, 1920, 2560)
DEVICES = Weighted(
    [
        (Device("Windows", "Chrome", "web", "2.57.1", _DESKTOP, False), 27),
        (Device("Windows", "Microsoft Edge", "web", "2.57.1", _DESKTOP, False), 8),
        (Device("Mac OS X", "Safari", "web", "2.57.1", _DESKTOP, False), 12),
        (Device("Mac OS X", "Chrome", "web", "2.57.1", _DESKTOP, False), 9),
        (Device("Linux", "Firefox", "web", "2.56.0", _DESKTOP, False), 4),
        (Device("iOS", "Mobile Safari", "iphone", "5.1.3", (375, 390, 393, 430), True), 21),
        (Device("Android", "Android Mobile", "android", "8.2.0", (360, 384, 412), True), 19),
    ]
)

PLANS = Weighted([("free", 70), ("plus", 22), ("business", 8)])
VARIANTS = Weighted([("control", 1), ("short_form", 1)])
REFERRERS = Weighted(
    [("$direct", 45), ("https://www.google.com/", 34), ("https://www.bing.com/", 6), ("https://news.example.org/", 15)]
)
PAGES = Weighted(
    [("/", 30), ("/sale", 16), ("/new-arrivals", 13), ("/account/orders", 10), ("/help/returns", 8), ("/blog", 5)]
)
QUERIES = Weighted(
    [("running shoes", 20), ("men's jacket", 14), ('27" monitor', 9), ("café table", 8), ("gift card", 12)]
)
CAMPAIGNS = Weighted([("june-sale", 40), ("basket-reminder", 35), ("back-in-stock", 25)])
PAYMENTS = Weighted([("card", 60), ("paypal", 30), ("invoice", 10)])

_CATEGORIES = ("Shoes", "Jackets", "Furniture", "Displays", "Kitchen", "Books")
PRODUCTS = Weighted(
    [
        (Product(f"SKU-{1000 + n}", _CATEGORIES[n % len(_CATEGORIES)], 490 + (n * 7919) % 30000), 1 / (n + 5))
        for n in range(400)
    ]
)

LEAVE = ""
"""The visitor goes away."""

_STEPS: dict[str, list[tuple[str, float]]] = {
    "App Opened": [("Page Viewed", 50), ("Search", 20), ("Product Viewed", 22), (LEAVE, 8)],
    "Page Viewed": [("Page Viewed", 33), ("Search", 15), ("Product Viewed", 34), (LEAVE, 18)],
    "Search": [("Product Viewed", 62), ("Search", 18), ("Page Viewed", 10), (LEAVE, 10)],
    "Product Viewed": [("Product Viewed", 38), ("Added to Cart", 17), ("Page Viewed", 23), ("Search", 8), (LEAVE, 14)],
    "Added to Cart": [("Checkout Started", 37), ("Product Viewed", 35), ("Page Viewed", 16), (LEAVE, 12)],
    "Checkout Started": [("Order Completed", 61), ("Page Viewed", 15), (LEAVE, 24)],
    "Order Completed": [("Page Viewed", 30), (LEAVE, 70)],
    "Signed Up": [("Page Viewed", 45), ("Product Viewed", 40), (LEAVE, 15)],
    "Push Received": [("App Opened", 16), (LEAVE, 84)],
}
NEXT_EVENT = {name: Weighted(steps) for name, steps in _STEPS.items()}

LOCAL_HOURS = Weighted(
    list(enumerate([3, 2, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 13, 12, 10, 10, 11, 13, 16, 19, 21, 19, 13, 7]))
)
WEEKDAY_VOLUME = (1.0, 1.03, 1.04, 1.03, 1.0, 0.88, 0.86)
"""Relative number of events on the days of a week, from the first day of the export on."""
