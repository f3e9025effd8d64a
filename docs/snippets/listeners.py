"""A publisher knows who listens."""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def listen(agent, word):
    agent.heard.append(word)


if __name__ == '__main__':
    with run_nameserver():
        speaker = run_agent('speaker')
        address = speaker.bind('PUB', alias='words')
        print('at first:', speaker.subscribers('words'))

        try:
            speaker.wait_for_subscribers('words', 1, wait=0.1)
        except TimeoutError as error:
            print(error)

        listeners = [run_agent(name, attributes={'heard': []}) for name in ('Ann', 'Ben')]
        for listener in listeners:
            listener.connect(address, handler=listen)
        print('now:', speaker.wait_for_subscribers('words', 2))

        speaker.send('words', 'the first word')
        for listener in listeners:
            wait_agent_attr(listener, 'heard', length=1)
            print(f'{listener.name} heard', listener.heard)
