"""A logger of one's own: alarms in a list, everything else as usual."""

from osbrain import Logger, run_agent, run_logger, run_nameserver
from osbrain.helper import wait_agent_attr


class Pager(Logger):
    def on_init(self):
        super().on_init()
        self.alarms = []

    def log_handler(self, message, topic):
        super().log_handler(message, topic)
        if topic == b'WARNING':
            self.alarms.append(message.partition(': ')[2])


if __name__ == '__main__':
    with run_nameserver():
        pager = run_logger('pager', base=Pager)
        pump = run_agent('pump')
        pump.set_logger(pager)
        pump.log_info('running')
        pump.log_warning('pressure is low')
        wait_agent_attr(pager, 'alarms', length=1)
        print(pager.alarms, len(pager.log_history))
