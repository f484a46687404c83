"""What our expectations do not use of Great Expectations is imported when somebody else's do."""

import json
import subprocess
import sys

SCRIPT = """
import json, sys
import expectations.validation
from expectations import custom_suites
from expectations.thresholds import Thresholds
from mixflows.settings import Settings

def executed():
    parts = ("scipy.stats._stats_py", "altair.vegalite", "google.cloud.secretmanager_v1", "jsonschema.validators")
    return [name for name in parts if name in sys.modules]

before = executed()
try:
    custom_suites.build("no_such_module:suite", Thresholds.of(Settings()))
except Exception:
    pass
import scipy.stats, altair, jsonschema
print(json.dumps([before, executed(), scipy.stats.norm.cdf(0), altair.Chart.__name__, jsonschema.validate(1, {})]))
"""


def test_unused_modules_are_imported_for_the_users_own_suites_only() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    before, after, half, chart, nothing_wrong = json.loads(done.stdout)
    assert before == []
    assert {"scipy.stats._stats_py", "altair.vegalite", "jsonschema.validators"} <= set(after)
    assert (half, chart, nothing_wrong) == (0.5, "Chart", None)
