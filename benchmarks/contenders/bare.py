"""Bare pyzmq in two processes: the ceiling. Pickle, sockets, a loop, and nothing else.

As in the library, a message may be anything, so its large buffers travel beside the pickle, and whoever receives looks
for them. With the option *small* the program knows that its messages have none.

The other process is forked before either has a ZeroMQ context.
"""

import contextlib
import multiprocessing
import pickle
import time

import zmq
from bursts import Bursts
from workload import (
    GIBIBYTE,
    IN_FLIGHT,
    MEBIBYTE,
    PROTOCOL,
    PUB_BURST,
    array,
    array_bursts,
    latencies,
    main,
    pace,
    price,
    raw_messages,
    warm_bursts,
)

TOPIC = b'AAPL\x80'
HELLO = b'hello'


def bind(socket, transport='ipc'):
    """Bind to an address that nobody else has, and return it."""
    socket.bind('tcp://127.0.0.1:*' if transport == 'tcp' else 'ipc://*')
    return socket.last_endpoint


@contextlib.contextmanager
def partner(function, *args):
    """Run a function in a process of its own; its first argument is the other end of the pipe that this yields.

    At the end it is told so. A sender has to wait for that: where a receiver's queue is full at the moment when the
    connection is closed, libzmq drops what is still in the connection.
    """
    fork = multiprocessing.get_context('fork')
    pipe, theirs = fork.Pipe()
    process = fork.Process(target=function, args=(theirs, *args))
    process.start()
    # Whoever waits for the word of a partner that has failed gets an error: nobody else holds its end of the pipe.
    theirs.close()
    yield pipe
    with contextlib.suppress(BrokenPipeError):
        pipe.send('end')
    process.join()


@contextlib.contextmanager
def sockets(*kinds):
    """Open one socket of each kind; what they have sent is delivered before this ends."""
    with zmq.Context() as context, contextlib.ExitStack() as stack:
        yield [stack.enter_context(context.socket(kind)) for kind in kinds]


def send(socket, message, topic=b''):
    """Send *message*, its large buffers in frames of their own."""
    buffers = []
    head = topic + pickle.dumps(message, PROTOCOL, buffer_callback=buffers.append)
    if buffers:
        socket.send_multipart([head, *(buffer.raw() for buffer in buffers)], copy=False)
    else:
        socket.send(head)


def recv(socket, skip=0):
    """Return the message that comes next; *skip* is the length of its topic."""
    head = socket.recv()
    if socket.get(zmq.RCVMORE):
        return pickle.loads(head[skip:], buffers=[frame.buffer for frame in socket.recv_multipart(copy=False)])
    return pickle.loads(head[skip:])


def send_small(socket, message, topic=b''):
    """Send *message*, which has no large buffers."""
    socket.send(topic + pickle.dumps(message, PROTOCOL))


def recv_small(socket, skip=0):
    """Return the message that comes next, which has no large buffers."""
    return pickle.loads(socket.recv()[skip:])


def ways(small):
    """Return how to send and how to receive."""
    return (send_small, recv_small) if small else (send, recv)


# -- One after the other: PUSH-PULL ---------------------------------------------------------------------------------


def _push(pipe, transport, count, raw, small):
    send, _ = ways(small)
    with sockets(zmq.PUSH) as [socket]:
        pipe.send(bind(socket, transport))
        if raw:
            for message in raw_messages(count):
                socket.send(message)
        else:
            for number in range(count):
                send(socket, price(number))
        pipe.recv()


def push_pull(transport, count, raw=0, small=0):
    """Return the messages a second that arrive; timed where they do."""
    _, recv = ways(small)
    with partner(_push, transport, count, raw, small) as pipe, sockets(zmq.PULL) as [socket]:
        socket.connect(pipe.recv())
        socket.recv()
        start = time.perf_counter()
        if raw:
            for _ in range(count - 1):
                socket.recv()
        else:
            for _ in range(count - 1):
                recv(socket)
        elapsed = time.perf_counter() - start
    return {'value': (count - 1) / elapsed}


def _push_at_pace(pipe, per_second, count):
    with sockets(zmq.PUSH) as [socket]:
        pipe.send(bind(socket))
        for number in pace(per_second, count):
            message = price(number)
            message['sent'] = time.monotonic_ns()
            send(socket, message)
        pipe.recv()


def latency(per_second, count):
    """Return how long messages take that come at an even pace."""
    taken = []
    with partner(_push_at_pace, per_second, count) as pipe, sockets(zmq.PULL) as [socket]:
        socket.connect(pipe.recv())
        for _ in range(count):
            message = recv(socket)
            taken.append(time.monotonic_ns() - message['sent'])
    return latencies(taken)


# -- There and back: REQ-REP ----------------------------------------------------------------------------------------


def _reply(pipe, transport, count, small):
    send, recv = ways(small)
    with sockets(zmq.REP) as [socket]:
        pipe.send(bind(socket, transport))
        for _ in range(count):
            send(socket, recv(socket))


def req_rep(transport, count, small=0):
    """Return the round trips a second."""
    send, recv = ways(small)
    with partner(_reply, transport, count, small) as pipe, sockets(zmq.REQ) as [socket]:
        socket.connect(pipe.recv())
        start = time.perf_counter()
        for number in range(count):
            send(socket, number)
            recv(socket)
        elapsed = time.perf_counter() - start
    return {'value': count / elapsed}


# -- In bursts: PUB-SUB, arrays -------------------------------------------------------------------------------------


def _subscribe(pipe, me, bursts, small):
    _, recv = ways(small)
    address, acks = pipe.recv()
    with sockets(zmq.SUB, zmq.PUSH) as [socket, back]:
        back.connect(acks)
        socket.subscribe(TOPIC)
        socket.subscribe(HELLO)
        socket.connect(address)
        socket.recv()
        back.send(pickle.dumps(me, PROTOCOL))
        socket.unsubscribe(HELLO)
        skip = len(TOPIC)
        while socket.recv().startswith(HELLO):
            pass
        left = PUB_BURST - 1
        for burst in range(bursts):
            for _ in range(left):
                recv(socket, skip)
            back.send(pickle.dumps(burst, PROTOCOL))
            left = PUB_BURST


def _greet(pub, acks, receivers):
    """Publish until everybody has heard of it: what is published before a subscription is there, is lost."""
    present = set()
    while len(present) < receivers:
        pub.send(HELLO)
        while acks.poll(10):
            present.add(pickle.loads(acks.recv()))


def pub_sub(subscribers, count, small=0):
    """Return the deliveries a second, those to all subscribers taken together."""
    send, _ = ways(small)
    warm = warm_bursts(PUB_BURST)
    bursts = Bursts(warm + -(-count // PUB_BURST), warm, subscribers, IN_FLIGHT)
    with contextlib.ExitStack() as stack:
        # Before there is a context: they are forked.
        pipes = [stack.enter_context(partner(_subscribe, me, bursts.count, small)) for me in range(subscribers)]
        pub, acks = stack.enter_context(sockets(zmq.PUB, zmq.PULL))
        addresses = bind(pub), bind(acks)
        for pipe in pipes:
            pipe.send(addresses)
        _greet(pub, acks, subscribers)

        def publish(burst):
            # Lets the socket see what has left its queue: while it only sends, it looks once in a millisecond.
            pub.get(zmq.EVENTS)
            for number in range(burst * PUB_BURST, (burst + 1) * PUB_BURST):
                send(pub, price(number), TOPIC)

        for burst in bursts.first():
            publish(burst)
        while bursts.elapsed is None:
            following = bursts.acknowledge(pickle.loads(acks.recv()))
            if following is not None:
                publish(following)
    return {'value': bursts.rate(PUB_BURST)}


def _pull_arrays(pipe, burst, bursts):
    address, acks = pipe.recv()
    with sockets(zmq.PULL, zmq.PUSH) as [socket, back]:
        back.connect(acks)
        socket.connect(address)
        for number in range(bursts):
            for _ in range(burst):
                float(recv(socket)[-1])
            back.send(pickle.dumps(number, PROTOCOL))


def arrays(mebibytes, count, frozen=0):
    """Return the GiB a second of arrays that travel beside their pickle, copied neither here nor there."""
    sent = array(mebibytes, bool(frozen))
    burst, number = array_bursts(mebibytes, count)
    bursts = Bursts(number, warm_bursts(burst), 1, IN_FLIGHT)
    with partner(_pull_arrays, burst, number) as pipe, sockets(zmq.PUSH, zmq.PULL) as [socket, acks]:
        pipe.send((bind(socket), bind(acks)))

        def shoot():
            for _ in range(burst):
                send(socket, sent)

        for _ in bursts.first():
            shoot()
        while bursts.elapsed is None:
            if bursts.acknowledge(pickle.loads(acks.recv())) is not None:
                shoot()
    return {'value': bursts.rate(burst) * mebibytes * MEBIBYTE / GIBIBYTE}


if __name__ == '__main__':
    main({work.__name__: work for work in (push_pull, latency, req_rep, pub_sub, arrays)})
