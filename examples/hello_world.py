"""Hello world: start one agent and make it speak.

An agent is a process of its own, with a name. What `run_agent` returns is a proxy: call a method
on it and the agent runs that method over there. The name server is the address book of them all.
"""

from osbrain import run_agent, run_nameserver

if __name__ == '__main__':
    ns = run_nameserver()
    agent = run_agent('Example')

    agent.log_info('Hello world!')

    ns.shutdown()
