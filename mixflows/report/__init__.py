"""The report: one self-contained HTML page that says whether the table is right, as of when, and why not.

`figures` holds what the report knows, `data` reads it from the warehouse, `answer` says it in sentences, `charts` draws
it, `page` puts it together.
"""
