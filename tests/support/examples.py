"""How many examples a property test tries: few in every run, twenty times as many in `make test-long`."""

from typing import Any

import hypothesis

EXAMPLES_IN_CI = 10
"""What the profile `ci` says; every number below is meant for it."""


def examples(number: int, **more: Any) -> hypothesis.settings:
    """Settings for a test that tries so many examples in the profile `ci`, and more in a longer one."""
    return hypothesis.settings(max_examples=number * hypothesis.settings.default.max_examples // EXAMPLES_IN_CI, **more)
