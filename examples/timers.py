"""Timers: do something again and again, or once and later, without blocking the agent.

`each` repeats an action, `after` runs it once, `stop_timer` ends either. Actions run one at a time
with the agent's message handlers, so they need no locks, and between them the agent is free.
"""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def beat(agent):
    agent.beats += 1
    agent.log_info(f'beat {agent.beats}')
    if agent.beats == 3:
        agent.stop_timer('heart')
        agent.after(0.5, rest)


def rest(agent):
    agent.log_info('resting')
    agent.resting = True


if __name__ == '__main__':
    ns = run_nameserver()
    robot = run_agent('robot', attributes={'beats': 0, 'resting': False})

    # Every 0.2 seconds from now on. The alias is the name by which the timer can be stopped.
    robot.each(0.2, beat, alias='heart')

    # An action may also be the name of a method, with its arguments. Without an alias of your
    # own, what is returned stands for the timer.
    alarm = robot.after(30, 'log_error', 'still not resting!')

    wait_agent_attr(robot, 'resting', value=True)
    robot.stop_timer(alarm)
    print('heart still beating:', 'heart' in robot.list_timers())

    ns.shutdown()
