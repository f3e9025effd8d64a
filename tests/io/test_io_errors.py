"""What ZeroMQ reports, in the words of agents."""

import errno
import pickle

import pytest
import zmq

from osbrain._io.errors import BindFailed, OutOfTurn, SocketError, bind_failed
from osbrain.errors import CallerError, OsBrainError


@pytest.mark.parametrize(
    'code, hint',
    [
        (zmq.EADDRINUSE, 'choose another port'),
        (errno.EACCES, 'administrator'),
        (zmq.EADDRNOTAVAIL, 'of this machine'),
        (errno.ENODEV, 'of this machine'),
        (zmq.EPROTONOSUPPORT, 'cannot bind tcp://somewhere'),
    ],
)
def test_a_bind_that_failed_says_where_and_what_to_do(code, hint):
    error = bind_failed(zmq.ZMQError(code), 'tcp://somewhere')
    assert type(error) is BindFailed
    assert error.errno == code
    assert 'tcp://somewhere' in str(error) and hint in str(error)
    assert zmq.strerror(code) in str(error)


@pytest.mark.parametrize(
    'error', [SocketError(zmq.EINVAL, 'what'), BindFailed(errno.EACCES, 'where'), OutOfTurn()], ids=str
)
def test_they_are_zeromq_s_errors_and_ours_and_survive_pickling(error):
    assert isinstance(error, (zmq.ZMQError, OsBrainError, CallerError))
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (back.errno, back.what, back.args, str(back)) == (error.errno, error.what, error.args, str(error))
