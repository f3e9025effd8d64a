import tempfile
from pathlib import Path

from osbrain import run_agent, run_nameserver
from osbrain.helper import agent_dies, wait_agent_attr
from osbrain.recording import Recording, record, replay

with tempfile.TemporaryDirectory() as folder, run_nameserver() as ns:
    path = Path(folder) / 'day.mcap'
    feed = run_agent('feed')
    feed.bind('PUB', 'bars')
    with record(path, 'feed:bars'):
        feed.send('bars', {'close': 189.95}, topic='AAPL')
        feed.send('bars', {'close': 410.10}, topic='MSFT')

    for message in Recording(path):
        print(message.agent, message.alias, message.topic, message.value)

    feed.shutdown()
    agent_dies('feed', ns)

    strategy = run_agent('strategy')
    strategy.set_attr(seen=[])
    with replay(path, speed=10) as again:
        strategy.connect(ns.addr('feed', 'bars'), handler=lambda agent, bar: agent.seen.append(bar['close']))
        print(again.play().messages)
        wait_agent_attr(strategy, 'seen', length=2)
    print(strategy.seen)
