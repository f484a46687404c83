"""How many examples a property test draws: few in every run, twenty times as many in `make test-long`."""

from typing import Any

import hypothesis

EXAMPLES_IN_CI = 10
"""What the profile `ci` says; every number below is meant for it."""


def examples(number: int, **more: Any) -> hypothesis.settings:
    """Settings for a test that draws so many examples in the profile `ci`, and more in a longer one.

    Hypothesis tries the simplest example first, which nothing is drawn for: it is one more.
    """
    drawn = number * hypothesis.settings.default.max_examples // EXAMPLES_IN_CI
    return hypothesis.settings(max_examples=1 + drawn, **more)
