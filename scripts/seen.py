#!/usr/bin/python3
"""A server that tells its clients which address and port it sees them as, and clients that ask it.

seen.py serve ADDRESS PORT        tells each TCP client "ADDRESS PORT", then echoes its lines
seen.py ask ADDRESS PORT          prints what the server tells
seen.py talk ADDRESS PORT         the same, then a line there and back every 50 ms on that connection, until
                                  SIGTERM; says how many and how long the longest silence was
seen.py many ADDRESS PORT COUNT   COUNT connections at once; says how many opened and why the rest did not,
                                  then keeps the opened ones until SIGTERM
seen.py once ADDRESS PORT TEXT    a server of one connection, which gets TEXT
"""

import asyncio
import collections
import errno
import signal
import socket
import sys
import time

PATIENCE_S = 60
OPENING_S = 15  # for a connection of many
EVERY_S = 0.05


def serve(address, port):
    """Serves until it is stopped."""

    async def client(reader, writer):
        seen = writer.get_extra_info("peername")
        try:
            writer.write(f"{seen[0]} {seen[1]}\n".encode())
            while line := await reader.readline():
                writer.write(line)
            writer.close()
        except OSError:
            writer.close()

    async def forever():
        server = await asyncio.start_server(client, address, int(port), backlog=1024)
        print("ready", flush=True)
        await server.serve_forever()

    asyncio.run(forever())


def ask(address, port):
    """One connection, for one line."""
    with socket.create_connection((address, int(port)), timeout=PATIENCE_S) as server:
        print(server.makefile().readline().strip(), flush=True)


def talk(address, port):
    """One connection that must not end, nor lose a line."""
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    with socket.create_connection((address, int(port)), timeout=PATIENCE_S) as server:
        lines = server.makefile("rw")
        print(lines.readline().strip(), flush=True)
        count, longest = 0, 0.0
        while not stopping:
            sent = time.monotonic()
            print(count, file=lines, flush=True)
            if lines.readline() != f"{count}\n":
                sys.exit(f"seen: line {count} did not come back")
            longest = max(longest, time.monotonic() - sent)
            count += 1
            time.sleep(EVERY_S)
    print(f"{count} lines, longest silence {longest * 1000:.0f} ms", flush=True)


def many(address, port, count):
    """Connections at once, as many as there are ports for."""
    outcomes, held = collections.Counter(), []

    async def one():
        try:
            opening = asyncio.open_connection(address, int(port))
            reader, writer = await asyncio.wait_for(opening, OPENING_S)
            await asyncio.wait_for(reader.readline(), OPENING_S)
            held.append(writer)
            outcomes["opened"] += 1
        except asyncio.TimeoutError:
            outcomes["ETIMEDOUT"] += 1
        except OSError as error:
            outcomes[errno.errorcode.get(error.errno, str(error))] += 1

    async def all_of_them():
        await asyncio.gather(*(one() for _ in range(int(count))))
        print(*(f"{what} {number}" for what, number in sorted(outcomes.items())), flush=True)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()

    asyncio.run(all_of_them())


def once(address, port, text):
    """Waits for one client."""
    with socket.create_server((address, int(port))) as listener:
        print("ready", flush=True)
        client, seen = listener.accept()
        with client:
            client.sendall(f"{text}\n".encode())
            print(f"{seen[0]} {seen[1]}", flush=True)


COMMANDS = {"serve": (serve, 2), "ask": (ask, 2), "talk": (talk, 2), "many": (many, 3), "once": (once, 3)}

if __name__ == "__main__":
    command, wanted = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if command is None or len(sys.argv) - 2 != wanted:
        sys.exit(__doc__)
    try:
        command(*sys.argv[2:])
    except OSError as error:
        sys.exit(f"seen: {error}")
    except KeyboardInterrupt:
        pass
