"""Lines of a raw export."""

import json


def event(insert_id: str | None = "a", time: object = 1_722_470_400, **properties: object) -> str:
    """One line of a raw export."""
    members = {"time": time, "distinct_id": "d1", "$insert_id": insert_id, "mp_processing_time_ms": 1_722_470_401_500}
    return json.dumps({"event": "view", "properties": members | properties})
