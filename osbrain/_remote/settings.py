"""How Pyro4 is set up for programs that use it beside osbrain; what they assign later wins."""

from __future__ import annotations

import Pyro4

Pyro4.config.SERIALIZER = 'cloudpickle'
Pyro4.config.SERIALIZERS_ACCEPTED = {*Pyro4.config.SERIALIZERS_ACCEPTED, 'pickle', 'cloudpickle', 'dill'}
Pyro4.config.SERVERTYPE = 'thread'
Pyro4.config.THREADPOOL_SIZE = 16
Pyro4.config.REQUIRE_EXPOSE = False
Pyro4.config.COMMTIMEOUT = 0.0
Pyro4.config.DETAILED_TRACEBACK = True
