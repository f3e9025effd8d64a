"""Settings: for everything, for one agent, for one socket, for one call."""

import osbrain
from osbrain import run_agent, run_nameserver

if __name__ == '__main__':
    with run_nameserver():
        osbrain.config['SERIALIZER'] = 'json'
        osbrain.config['RECV_TIMEOUT'] = 0.2

        one = run_agent('one')
        other = run_agent('other', serializer='pickle')
        print(one.bind('PUSH').serializer, other.bind('PUSH').serializer)
        print(one.bind('PUSH', serializer='raw').serializer)

        silent = run_agent('silent')
        one.connect(silent.bind('REP', handler=lambda agent, x: x), alias='silent')
        silent.stop()
        try:
            one.send_recv('silent', 'hello')
        except TimeoutError as error:
            print(str(error).partition('\n')[0])
