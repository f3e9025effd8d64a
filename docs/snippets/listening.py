from osbrain import run_agent, run_nameserver
from osbrain.recording import Listener

with run_nameserver() as ns:
    shop = run_agent('shop')
    customer = run_agent('customer')
    customer.connect(shop.bind('REP', 'prices', handler=lambda agent, item: {'tea': 3.2}[item]), 'ask')

    with Listener() as listener:
        listener.add('shop', 'prices')
        customer.send_recv('ask', 'tea')
        for _ in range(2):
            seen = listener.next(1.0)
            print(seen.number, seen.direction, seen.what, seen.message())
