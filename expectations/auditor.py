"""The auditor that the pipeline is handed: Great Expectations with the settings and the way to the staged rows."""

from collections.abc import Mapping, Sequence
from datetime import date

from expectations import gate
from expectations.elsewhere import judging_process
from mixflows.model import StagedDay, Verdict
from mixflows.settings import Settings
from mixflows.warehouse.base import RowAccess


class GreatExpectationsAuditor:
    """Judges staged days with the suites of `expectations/` and the user's own.

    Args:
        settings: Thresholds and the user's own suites.
        access: The way to the staged rows.
    """

    def __init__(self, settings: Settings, access: RowAccess) -> None:
        self._settings, self._access = settings, access
        # A warehouse elsewhere takes longer than any import, and has a client that cannot be handed on.
        self._elsewhere = "creator" in access.engine_options

    def warm_up(self) -> None:
        """Imports Great Expectations: in the process that judges, or in the calling thread, where it takes seconds."""
        if self._elsewhere:
            judging_process.begin()
        else:
            gate.warm_up()

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """A verdict for every day; see `expectations.gate.judge`."""
        judge = judging_process.judge if self._elsewhere else gate.judge
        return judge(self._settings, staged, check_rows=check_rows, access=self._access)
