"""What a failing handler does to its agent: stop it, or be logged and counted."""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr, wait_condition


def divide(agent, number):
    agent.results.append(60 / number)


if __name__ == '__main__':
    with run_nameserver() as ns:
        boss = run_agent('boss')
        for name, on_error in [('strict', 'stop'), ('lenient', 'continue')]:
            worker = run_agent(name, on_error=on_error, attributes={'results': []})
            boss.connect(worker.bind('PULL', handler=divide), alias=name)
            for number in (5, 0, 6):
                boss.send(name, number)

        strict, lenient = ns.proxy('strict'), ns.proxy('lenient')
        wait_agent_attr(lenient, 'results', length=2)
        wait_condition(strict.is_running, negate=True)

        print('strict:', strict.get_attr('results'), 'running:', strict.is_running())
        try:
            strict.ping()
        except RuntimeError as error:
            print(error)
        print('lenient:', lenient.results, 'running:', lenient.is_running())
        print('failures:', lenient.counters()['errors'])
