"""SYNC_PUB: the answer to a request comes at its right place among the publications."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_condition


class Account(Agent):
    def on_init(self):
        self.balance = 0
        self.bind('SYNC_PUB', alias='changes', handler='on_request')

    def pay_in(self, amount):
        self.balance += amount
        self.send('changes', amount, topic='paid')

    def on_request(self, request):
        return self.balance


class Book(Agent):
    def on_init(self):
        self.balance = None

    def on_change(self, amount):
        if self.balance is not None:
            self.balance += amount

    def on_balance(self, balance):
        self.balance = balance


if __name__ == '__main__':
    with run_nameserver():
        account = run_agent('account', base=Account)
        book = run_agent('book', base=Book)
        book.connect(account.addr('changes'), alias='account', handler={'paid': 'on_change'})

        # Payments come in all the while; the book begins with a snapshot in the middle of them.
        account.each(0.001, 'pay_in', 1, alias='salary')
        wait_condition(lambda: account.balance > 50)
        book.send('account', 'balance?', handler='on_balance')
        wait_condition(lambda: book.balance is not None)
        wait_condition(lambda: account.balance > 200)
        account.stop_timer('salary')

        same = wait_condition(lambda: book.balance == account.balance)
        print('the book agrees with the account:', same)
