"""The states of an agent, from its start to its end."""

from osbrain import AgentProcess, Proxy, run_nameserver
from osbrain.helper import agent_dies, wait_condition

if __name__ == '__main__':
    with run_nameserver() as ns:
        process = AgentProcess('worker')
        process.start()
        print(ns.status()['worker'].state)

        worker = Proxy('worker')
        worker.run()
        worker.wait_for_running()
        wait_condition(lambda: ns.status()['worker'].state == 'running')
        print(ns.status()['worker'].state, '-', worker.ping())

        worker.stop()
        wait_condition(lambda: ns.status()['worker'].state == 'stopped')
        print(ns.status()['worker'].state, '-', ns.status()['worker'].reason)

        worker.run()
        worker.wait_for_running()
        print('running again -', worker.ping())

        worker.shutdown()
        print('gone:', agent_dies('worker', ns))
        process.join()
        print('exit code:', process.exitcode)
