"""Name server: see which agents there are, and reach one by its name.

Whoever knows where the name server is can find every agent, also from another terminal or a
notebook: look around, take a proxy, ask a running system something. Nothing has to be restarted.
"""

from osbrain import NSProxy, run_agent, run_nameserver

if __name__ == '__main__':
    ns = run_nameserver()
    for name in ('camera', 'gripper', 'wheels'):
        run_agent(name)

    # Another program would begin here, with the address as text, like '127.0.0.1:12345'.
    address = str(ns.addr())
    robot = NSProxy(nsaddr=address)

    print('agents:', ', '.join(sorted(robot.agents())))

    gripper = robot.proxy('gripper')
    print('gripper answers:', gripper.ping())
    gripper.log_info('this is the gripper')

    ns.shutdown()
