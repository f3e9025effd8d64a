"""A logger that keeps what agents say, and the same agent without one."""

from osbrain import run_agent, run_logger, run_nameserver
from osbrain.helper import logger_received

if __name__ == '__main__':
    with run_nameserver():
        agent = run_agent('agent')
        agent.log_info('to standard output, as there is no logger yet')

        logger = run_logger('logger')
        agent.set_logger(logger)
        agent.log_info('kept by the logger')
        agent.log_warning('kept, and printed too')
        agent.log_debug('dropped')
        agent.set_attr(_DEBUG=True)
        agent.log_debug('kept from now on')

        logger_received(logger, 'from now on', log_name='log_history_debug')
        for record in logger.log_history:
            print(record.partition('] ')[2])
        print(len(logger.log_history_info), len(logger.log_history_warning))
