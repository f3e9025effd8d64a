"""Tell the user what a run has come to, and that nothing has got lost on the way."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import metrics, money, terms
from .charts import terminal_chart
from .results import Outcome, Results

WIDEST = 100  # columns of a chart
TABLE = {'box': box.SIMPLE_HEAD, 'pad_edge': False, 'collapse_padding': True}


def print_report(results: Results, console: Console, chart: bool = True) -> None:
    """Print the whole report; *chart*: with the equity curves."""
    plan = results.plan
    console.print(
        f'{plan.days[0][0]} to {plan.days[-1][0]}: {len(plan.days):,} trading dates, '
        f'{plan.bars_of(plan.symbols):,} bars of {", ".join(plan.symbols)}.',
        highlight=False,
    )
    console.print(strategy_table(results))
    for line in stops(results):
        console.print(line, style='red', highlight=False)
    for line in restarts(results):
        console.print(line, highlight=False)
    if chart:
        width = min(console.width, WIDEST)
        console.print(Text.from_ansi(terminal_chart(results, width, colours=console.is_terminal)))
    console.print(bar_table(results))
    for line in accounting(results):
        console.print(line, highlight=False)


def strategy_table(results: Results) -> Table:
    """Return a row for each strategy."""
    table = Table(
        title=f'What each strategy has made of {money.text(terms.CAPITAL)} dollars',
        box=box.SIMPLE_HEAD,
    )
    table.add_column('Strategy', no_wrap=True)
    for header in ('Orders', 'Refused', 'Trades', 'Won', 'Profit', 'Drawdown', 'Sharpe'):
        table.add_column(header, justify='right')
    for outcome in results.outcomes.values():
        table.add_row(*strategy_row(outcome))
    return table


def strategy_row(outcome: Outcome) -> list[str]:
    """Return what the table says of one strategy."""
    equities = [equity for _, equity in outcome.account.curve]
    sharpe = metrics.sharpe_ratio(equities)
    trades = outcome.account.trades
    return [
        outcome.name + (' *' if outcome.failure else ''),
        str(outcome.orders),
        str(outcome.refused),
        str(len(trades)),
        str(sum(profit > 0 for profit in trades)),
        money.text(outcome.account.profit),
        f'{metrics.max_drawdown(equities):.1%}',
        '-' if sharpe is None else f'{sharpe:.2f}',
    ]


def stops(results: Results) -> list[str]:
    """Say which strategies have stopped, where and why."""
    return [
        f'* {outcome.name} {outcome.failure}. '
        'Its results end with that date; the others went on without it.'
        for outcome in results.outcomes.values()
        if outcome.failure
    ]


def restarts(results: Results) -> list[str]:
    """Say which strategies have died and were started again, and why."""
    return [
        f'{outcome.name} {death}. It was started again and went on with what it held.'
        for outcome in results.outcomes.values()
        if not outcome.failure
        for death in outcome.deaths
    ]


def bar_table(results: Results) -> Table:
    """Return a row for each symbol: how many of its bars each agent has counted."""
    table = Table(title='Bars counted by each agent', **TABLE)
    table.add_column('Symbol')
    for agent in results.bars:
        table.add_column(agent, justify='right')
    for symbol in results.plan.symbols:
        table.add_row(symbol, *(bars_counted(results, agent, symbol) for agent in results.bars))
    table.add_section()
    table.add_row('all', *(str(sum(counted.values())) for counted in results.bars.values()))
    return table


def bars_counted(results: Results, agent: str, symbol: str) -> str:
    """Return what the table says of an agent and a symbol: nothing if the two do not meet."""
    outcome = results.outcomes.get(agent)
    return '' if outcome and symbol not in outcome.symbols else str(results.bars[agent][symbol])


def accounting(results: Results) -> list[str]:
    """Say that everything adds up, or what does not."""
    lines = [
        f'{what.capitalize()}: {", ".join(f"{agent} {count}" for agent, count in counted.items())}.'
        for what, counted in results.counts.items()
    ]
    wrong = results.discrepancies()
    if wrong:
        return [*lines, *(f'NOT ACCOUNTED FOR: {line}.' for line in wrong)]
    return [*lines, 'Every bar, order and fill is accounted for from end to end.']
