"""Children that exist on paper only, and a clock that the test moves."""

import pytest
from hypothesis import settings

from osbrain._supervision.group import Group, Member, State, Step
from osbrain._supervision.intensity import Intensity
from osbrain._supervision.restarts import End, Restart
from osbrain._supervision.strategy import Strategy

# The same examples in every run, however loaded the machine is, and nothing written into the project's folder.
settings.register_profile('osbrain', derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile('osbrain')


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


class World:
    """A group, the children that do what it wants, and the diary of both."""

    def __init__(self, names, strategy='one_for_one', max_restarts=3, within=5.0, kinds=None, shutdown=5.0):
        self.now = 100.0
        self.diary = []
        #: Children that do not react to being asked, and those whose start fails.
        self.deaf, self.broken = set(), set()
        #: Children that are on their way until the test says that they run.
        self.slow = set()
        self.group = Group('team', Strategy(strategy), Intensity(max_restarts, within))
        for name in names:
            restart = Restart((kinds or {}).get(name, 'permanent'))
            self.group.add(Member(name, None, restart, shutdown, 60.0))

    def member(self, name):
        (found,) = [member for member in self.group.members if member.name == name]
        return found

    def states(self):
        return {member.name: member.state.value for member in self.group.members}

    def dies(self, name, end=End.ABNORMAL, report='it died'):
        """Have it die, without anything being done about that yet."""
        self.diary.append(f'!{name}')
        self.group.died(self.member(name), end, report, self.now)

    def runs(self, name):
        self.slow.discard(name)
        self.group.runs(self.member(name), self.now)
        self.act()

    def act(self):
        """Do what the group wants now, until it wants nothing more."""
        while steps := self.group.next_steps(self.now):
            for step, member in steps:
                self.take(step, member)
        return self

    def take(self, step, member):
        if step is Step.BEGIN:
            assert member.state is State.STARTING
            self.diary.append(f'+{member.name}')
            if member.name in self.broken:
                self.group.died(member, End.ABNORMAL, 'it cannot start', self.now)
            elif member.name not in self.slow:
                self.group.runs(member, self.now)
        elif step is Step.ASK:
            self.diary.append(f'-{member.name}')
            if member.name not in self.deaf:
                self.group.died(member, End.NORMAL, 'it was asked to end', self.now)
        else:
            self.diary.append(f'x{member.name}')
            self.group.died(member, End.ABNORMAL, 'it was killed', self.now)

    def passes(self, seconds):
        """Let time pass, acting whenever the group says that something is due."""
        end = self.now + seconds
        self.act()
        while (moment := self.group.next_moment(self.now)) is not None and moment <= end:
            assert moment >= self.now
            self.now = max(moment, self.now)
            self.act()
        self.now = end
        return self.act()

    def told(self):
        """What happened since the last time."""
        diary, self.diary = ' '.join(self.diary), []
        return diary


@pytest.fixture
def world():
    """Make a world whose children run: ``world('abc', 'one_for_all')``."""

    def make(names='abcd', *args, **kwargs):
        made = World(names, *args, **kwargs).act()
        made.told()
        return made

    return make


@pytest.fixture(scope='session')
def new_world():
    """Make a world in which nothing has been started."""
    return World
