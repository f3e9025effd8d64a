"""A tree of supervisors: one for each desk, and one above them."""

from osbrain import run_nameserver, run_supervisor


def desk(city):
    return {
        'name': f'desk-{city}',
        'children': [f'feed-{city}', f'strategy-{city}'],
        'strategy': 'one_for_all',
        'max_restarts': 5,
        'within': 60,
    }


if __name__ == '__main__':
    with run_nameserver() as ns:
        company = run_supervisor('company', ['broker', desk('London'), desk('Tokyo')])
        print(company.count_children())
        print(sorted(ns.agents()))

        company.terminate_child('desk-Tokyo')
        print(sorted(ns.agents()))
        company.restart_child('desk-Tokyo')
        company.start_child(desk('Paris'))
        print([child.name for child in company.which_children() if child.kind == 'supervisor'])
