"""The auditor that the pipeline is handed: Great Expectations with the settings and access to the staged rows."""

from collections.abc import Mapping, Sequence
from datetime import date

from expectations import gate
from mixflows.model import StagedDay
from mixflows.settings import Settings
from mixflows.verdict import Verdict
from mixflows.warehouse.base import RowAccess


class GreatExpectationsAuditor:
    """Judges staged days with the suites of `expectations/` and the user's own.

    Args:
        settings: Thresholds and the user's own suites.
        access: To the staged rows.
    """

    def __init__(self, settings: Settings, access: RowAccess) -> None:
        self._settings, self._access = settings, access

    def warm_up(self) -> None:
        """Imports Great Expectations; see `expectations.gate.warm_up`."""
        gate.warm_up()

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """A verdict for every day; see `expectations.gate.judge`."""
        return gate.judge(self._settings, staged, check_rows=check_rows, access=self._access)
