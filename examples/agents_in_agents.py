"""An agent that runs agents: hire helpers from inside a handler when work comes in.

Nothing is special about the script that began it all: any agent can run others, as many as its
task needs. They join the same name server, which ends them together with everybody else.
"""

from osbrain import Agent, run_agent, run_nameserver


class Counter(Agent):
    def on_init(self):
        self.bind('REP', alias='chapters', handler='count_words')

    def count_words(self, chapter):
        return len(chapter.split())


class Editor(Agent):
    def on_init(self):
        self.bind('REP', alias='books', handler='on_book')

    def on_book(self, book):
        """Hire a counter for each chapter and tell how long the chapters are."""
        for title in book:
            helper = run_agent(f'counter-{title}', base=Counter)
            self.connect(helper.addr('chapters'), alias=title)
        for title, chapter in book.items():
            self.send(title, chapter)  # From here on all helpers work at the same time.
        return {title: self.recv(title) for title in book}


if __name__ == '__main__':
    ns = run_nameserver()
    editor = run_agent('editor', base=Editor)
    reader = run_agent('reader')
    reader.connect(editor.addr('books'), alias='editor')

    book = {'one': 'It was a dark night', 'two': 'Then the sun rose', 'three': 'The end'}
    print('words:', reader.send_recv('editor', book))
    print('agents:', sorted(ns.agents()))

    ns.shutdown()
