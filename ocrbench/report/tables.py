"""The tables that every run leaves behind."""

from collections.abc import Callable

import pandas as pd

from ocrbench.report import delimited, markdown

# The suffix of ``reports/latest`` → its content.
REPORTS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "csv": delimited.to_csv,
    "parquet": delimited.to_parquet,
    "md": markdown.to_markdown,
}
