"""A mistake of the caller stops nobody; a failure of the agent's own code stops the agent."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.errors import CallerError


class Divider(Agent):
    def divide(self, number):
        return 60 / number


def outcome(call):
    try:
        return call()
    except Exception as error:
        whose = 'caller' if isinstance(error, (CallerError, TypeError)) else 'agent'
        return f'{type(error).__name__} ({whose})'


if __name__ == '__main__':
    with run_nameserver():
        divider = run_agent('divider', base=Divider)
        for call in (
            lambda: divider.divide(5),
            lambda: divider.divid(5),
            lambda: divider.divide(5, 6),
            lambda: divider.addr('no such alias'),
            lambda: divider.unsafe.divide(0),
            lambda: divider.divide(0),
        ):
            print(f'{outcome(call)!s:28} running: {divider.is_running()}')

        print()
        divider.run()
        divider.wait_for_running()
        try:
            divider.divide(0)
        except ZeroDivisionError as error:
            print(str(error).partition('\n')[0])
