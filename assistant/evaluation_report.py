"""Writes an evaluation as a page: ``index.html`` and the confusion plot beside it.

The page needs nothing from elsewhere: no script, no font, no other host. The plot comes
in two colourings and the reader's browser picks the one that suits its background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from assistant.evaluation import LABELS, Judged, Result, Share, describe_mistake

PAGE = "index.html"
PLOT_LIGHT = "confusion.png"
PLOT_DARK = "confusion-dark.png"

# Background, text, grid and the darkest (or on dark ground, lightest) shade of the scale.
_COLOURS = {
    PLOT_LIGHT: ("#ffffff", "#1d2733", "#e3e8ee", "#0b5c6b"),
    PLOT_DARK: ("#161c24", "#e6ebf1", "#2b3542", "#7fd3e0"),
}

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1d2733; --soft: #566577;
  --line: #d9e0e8; --card: #f5f7fa; --bar: #0b5c6b; --bad: #a4262c; }
@media (prefers-color-scheme: dark) { :root { --ground: #161c24; --text: #e6ebf1;
  --soft: #a4b1c0; --line: #2b3542; --card: #1e2631; --bar: #7fd3e0; --bad: #ff9a9a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; background: var(--ground);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .25rem 0 .75rem; color: var(--soft); max-width: 46rem; }
dl { display: grid; gap: .75rem; margin: 1.25rem 0;
  grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0; }
dd strong { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .75rem .4rem 0; text-align: left;
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; }
tbody th { font-weight: 500; white-space: nowrap; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.text { overflow-wrap: anywhere; min-width: 16rem; }
td.kind { white-space: nowrap; color: var(--bad); }
meter { width: 8rem; height: .75rem; }
img { display: block; max-width: 100%; height: auto; border: 1px solid var(--line);
  border-radius: .5rem; }
"""


def write_report(result: Result, directory: str | Path) -> Path:
    """Writes the page and its plots into ``directory`` and returns the page's path.

    The directory is made if there is none and files of an earlier report in it are
    replaced. Raises ``OSError`` when something cannot be written.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for name in _COLOURS:
        _plot_confusion(result, directory / name)
    page = directory / PAGE
    page.write_text(_page(result), encoding="utf-8")
    return page


def _page(result: Result) -> str:
    figures = {
        "Topic accuracy": result.accuracy,
        "Counting every topic answered": result.accuracy_any_topic,
        "Red flags escalated": result.red_flags_escalated,
        "Red flags escalated or asked about": result.red_flags_caught,
        "Right urgency when escalated": result.right_urgency,
        "False alarms on hard negatives": result.false_alarm_share,
        "Checks asked on hard negatives": result.needless_check_share,
        "Out of scope, rejected": result.out_of_scope_rejected,
        "In scope, wrongly rejected": result.wrongly_rejected,
    }
    sections = [
        f"<h1>Evaluation</h1><p>{len(result.lines)} messages.</p>",
        "<dl>" + "".join(_tile(name, share) for name, share in figures.items()) + "</dl>",
        "<h2>Red flags</h2>",
        "<p>Messages for which only an alarm is right.</p>",
        _lines("Not escalated", result.red_flag_misses, _miss),
        _lines("Wrong urgency", result.wrong_urgency, _level),
        "<h2>False alarms</h2>",
        "<p>Messages that sound like a red flag and are not, and alarms on other messages.</p>",
        _lines("Hard negatives sent to medical care", result.false_alarms, _alarm),
        _lines("Hard negatives asked a check question", result.needless_checks, _alarm),
        _lines("Other messages sent to medical care", result.alarms_elsewhere, _alarm),
        "<h2>Topics</h2>",
        "<p>A message with several right labels counts under the preferred one.</p>",
        _shares("Topic", result.by_topic),
        "<h2>Origin</h2>",
        _shares("Origin", result.by_origin),
        "<h2>Mistakes</h2>",
        _lines("The ten it was surest of", result.worst_mistakes, describe_mistake),
        "<h2>What is taken for what</h2>",
        f'<picture><source srcset="{PLOT_DARK}" media="(prefers-color-scheme: dark)">'
        f'<img src="{PLOT_LIGHT}" alt="Confusion plot: expected labels by row, given labels '
        'by column. The table below lists everything off its diagonal."></picture>',
        _confusions(result),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Evaluation</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(sections)
        + "\n</main>\n</body>\n</html>\n"
    )


def _tile(name: str, share: Share) -> str:
    rate = "none" if share.rate is None else f"{100 * share.rate:.1f} %"
    return (
        f"<div><dt>{escape(name)}</dt><dd><strong>{rate}</strong> "
        f"{share.hits} of {share.total}</dd></div>"
    )


def _shares(title: str, shares: Mapping[str, Share]) -> str:
    rows = (
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{share}</td>'
        f'<td><meter value="{share.rate or 0:.3f}" aria-label="{escape(name)}">'
        f"{share}</meter></td></tr>"
        for name, share in shares.items()
    )
    return _table((title, "Right", ""), rows)


def _lines(title: str, lines: Sequence[Judged], describe: Callable[[Judged], str]) -> str:
    heading = f"<h3>{escape(title)}</h3>"
    if not lines:
        return heading + "<p>None.</p>"
    rows = (
        f'<tr><th scope="row">{escape(line.question.id)}</th>'
        f'<td class="kind">{escape(describe(line))}</td>'
        f'<td class="text">{escape(line.question.text)}</td></tr>'
        for line in lines
    )
    return heading + _table(("Id", "What happened", "Message"), rows)


def _confusions(result: Result) -> str:
    pairs = [
        (count, expected, given)
        for (expected, given), count in result.confusion.items()
        if expected != given
    ]
    if not pairs:
        return "<p>Nothing is taken for anything else.</p>"
    rows = (
        f'<tr><th scope="row">{escape(expected)}</th><td>{escape(given)}</td>'
        f'<td class="number">{count}</td></tr>'
        for count, expected, given in sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))
    )
    return _table(("Expected", "Given", "Messages"), rows)


def _table(headings: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _miss(line: Judged) -> str:
    return "asked only" if line.prediction.caught else f"missed, {line.prediction.topic}"


def _level(line: Judged) -> str:
    return f"{line.question.urgency}, taken as {line.prediction.red_flag}"


def _alarm(line: Judged) -> str:
    return str(line.prediction.red_flag)


def _plot_confusion(result: Result, path: Path) -> None:
    # Imported here: matplotlib takes a second that only a report should cost.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    ground, text, grid, strong = _COLOURS[path.name]
    seen = {label for pair in result.confusion for label in pair}
    labels = [label for label in LABELS if label in seen] + sorted(seen - set(LABELS))
    # Shade is the share of its row, so that a topic with few lines is as readable as
    # one with many; the figures in the cells are the counts.
    totals = {row: sum(result.confusion[row, column] for column in labels) for row in labels}
    shades = [
        [result.confusion[row, column] / max(totals[row], 1) for column in labels] for row in labels
    ]
    size = max(4.0, 0.36 * len(labels) + 3.2)
    figure = Figure(figsize=(size, size), facecolor=ground, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=ground)
    scale = LinearSegmentedColormap.from_list("share", [ground, strong])
    if labels:
        axes.imshow(shades, cmap=scale, vmin=0, vmax=1)
    for y, row in enumerate(labels):
        for x, column in enumerate(labels):
            count = result.confusion[row, column]
            if count:
                colour = ground if shades[y][x] > 0.5 else text
                axes.text(x, y, str(count), ha="center", va="center", fontsize=8, color=colour)
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=90, fontsize=8, color=text)
    axes.set_yticks(places, labels, fontsize=8, color=text)
    axes.set_xticks([place - 0.5 for place in places], minor=True)
    axes.set_yticks([place - 0.5 for place in places], minor=True)
    axes.grid(which="minor", color=grid, linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("given", color=text)
    axes.set_ylabel("expected", color=text)
    for spine in axes.spines.values():
        spine.set_color(grid)
    canvas.print_png(str(path))
