"""The subscriber binds, many publishers connect: a notice board."""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def pin(agent, note):
    agent.notes.append(note)


if __name__ == '__main__':
    with run_nameserver():
        board = run_agent('board', attributes={'notes': []})
        address = board.bind('SUB', alias='notes', handler={'public': pin})
        for name in ('Ann', 'Ben'):
            person = run_agent(name)
            person.connect(address, alias='board')
            person.send('board', f'{name} keeps this to themselves', topic='private')
            person.send('board', f'{name} was here', topic='public')
        wait_agent_attr(board, 'notes', length=2)
        print(sorted(board.notes))

        board.unsubscribe('notes', 'public')
        board.subscribe('notes', {'private': pin})
