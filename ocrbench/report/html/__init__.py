"""Runs → one HTML page that opens offline, and a short Markdown page.

The data flow::

    model.load_report(…)   → Report            the runs, whose files are read when a section needs them
    section.build(report)  → plain data        one builder per section; numbers, texts, lists and dicts only
    page.to_html(…)        → bytes             Jinja2 for static parts, JSON for the scripts

To add a section, write a module with a function ``build(report: Report) -> Mapping[str, Any] | None`` (None leaves
the section out), a partial ``templates/ID.html``, perhaps a script ``static/ID.js``, and name them in
``sections.SECTIONS``. In the partial, ``data`` is the builder's result, ``section`` its entry in ``SECTIONS`` and
``report`` the page's ``ReportData``; ``{{ … }}`` is escaped, and control characters are made visible. Headings begin
at ``<h3>``; a text from runs belongs into ``<bdi>``, which isolates its direction. A script calls::

    ocrbench.section("ID", (element, data) => { … });

with the ``<section>`` element, once, before it becomes visible. ``static/page.js`` lists what else ``ocrbench``
offers: ``data`` (the ``ReportData``), ``el`` (makes elements; text is always text), ``format`` (numbers as the
tables show them), ``select`` and ``onSelect`` (the run that the reader looks at), ``plot`` (Plotly in the page's
colours) and ``markup`` (texts for Plotly, which reads a little HTML). Never use ``innerHTML`` or similar: texts may
contain anything. The page's Content-Security-Policy allows the scripts by their hashes, images as ``data:`` (and files
with ``--link-images``), and nothing from the network.

A builder gets its runs as ``runs.run.Run``: ``row`` (the wide table's), ``label`` (short and unique), ``timed``
(measured times), ``outcomes`` and ``matchings`` (predictions with ground truth, image by image). Where
there are very many images the latter two hold the same sample of images for every run of a dataset;
``Report.sampled`` says so. They are kept, so several sections can use them at the price of one.
"""

from ocrbench.report.html.model import Options, Report, ReportData, Section, load_report
from ocrbench.report.html.page import to_html, to_markdown
from ocrbench.report.html.sections import SECTIONS, report_data

__all__ = [
    "SECTIONS",
    "Options",
    "Report",
    "ReportData",
    "Section",
    "load_report",
    "report_data",
    "to_html",
    "to_markdown",
]
