"""Attributes: the state of an agent, set and read from outside.

Give an agent its parameters when it starts, change them while it runs, and read its results. The
agent's own methods and handlers see the same attributes as `self.x` or `agent.x`.
"""

from osbrain import run_agent, run_nameserver


def area(agent):
    return agent.width * agent.height


if __name__ == '__main__':
    ns = run_nameserver()
    agent = run_agent('rectangle', attributes={'width': 2, 'height': 3})
    agent.set_method(area)
    print('area at the start:', agent.area())

    agent.set_attr(width=10, height=20)
    print('area after set_attr:', agent.area())

    agent.width = 5  # The same as agent.set_attr(width=5).
    print('width:', agent.width, 'area:', agent.area())

    # What comes back is a copy: changing it here changes nothing over there.
    agent.set_attr(corners=['a', 'b'])
    corners = agent.get_attr('corners')
    corners.append('c')
    print('here:', corners, 'there:', agent.get_attr('corners'))

    ns.shutdown()
