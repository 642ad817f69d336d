"""kill -9 at any moment, under load: what was acknowledged is in the store once, and each finding too.

usage: crash_test.py PATH_OF_TOCSIN
CRASH_SECONDS (default 60), CRASH_SEED (default: random, printed), CRASH_RATE (events a second of each of 5 senders, default
300), CRASH_KEEP=1 keeps the folder. Exit 0: proved; 1: found something, and where it is kept; 77: cannot run here.
"""
import os
import random
import sys
import time

import account
import clients as senders
import server as servers


def disturb(server, rng, seconds):
    """Kills until the time is up; counts by kind."""
    counts = {"server": 0, "starting server": 0, "store": 0, "both": 0, "clean stop": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(rng.choice((0.1, 1, 3, 8)) * rng.random(), max(0, end - time.monotonic())))
        server.must_run()
        kind = rng.choices(("server", "store", "both", "clean stop"), (55, 30, 8, 7))[0]
        if kind == "store":
            counts["store"] += server.kill_child()
            continue
        if kind == "clean stop":
            code = server.stop()
            if code != 0:
                raise servers.Failure(f"ended with {code} where it was asked to end")
        else:
            if kind == "both":
                server.kill_child()
                time.sleep(rng.random() * 0.5)
            server.kill()
        counts[kind] += 1
        server.start()
        # Also while it opens its stores and reads its journal again.
        while rng.random() < 0.25:
            time.sleep(rng.random() * 1.5)
            if not server.running():
                break
            server.kill()
            counts["starting server"] += 1
            server.start()
        server.wait_ready()
    return counts


def run(program, folder, seed, seconds, rate):
    rng = random.Random(seed)
    server = servers.Server(program, folder)
    try:
        server.start()
        server.wait_ready()
        server.make_ingest_source()
        clients = senders.start_clients(server, seed, rate)
        counts = disturb(server, rng, seconds)
        senders.stop_clients(clients)
        print("killed:", ", ".join(f"{kind} {count}" for kind, count in counts.items()), flush=True)
        for client in clients:
            if client.problem or client.is_alive():
                raise servers.Failure(f"the sender {client.name_of} fell over: {client.problem}")
            if client.name_of != "syslog" and client.answers == 0:
                raise servers.Failure(f"the sender {client.name_of} was never answered")
        account.settle(server, clients, 60 + seconds / 10)
        # Once more after a kill: what is read again from the journal must not be written again.
        server.kill()
        server.start()
        server.wait_ready()
        time.sleep(3)
        account.settle(server, clients, 20)
        print(account.summary(server, clients))
        print("  losses:", server.losses() or "none", flush=True)
        server.stop()
    except servers.Failure:
        print("--- the server said last\n" + server.log_tail(), flush=True)
        raise
    finally:
        if server.running():
            server.process.kill()
            server.process.wait()


def main():
    program = servers.options()
    seed = os.environ.get("CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
    seconds, rate = float(os.environ.get("CRASH_SECONDS") or 60), float(os.environ.get("CRASH_RATE") or 300)
    folder = servers.scratch()
    print(f"CRASH_SEED={seed} CRASH_SECONDS={seconds:g} CRASH_RATE={rate:g} in {folder}", flush=True)
    try:
        run(program, folder, seed, seconds, rate)
    except servers.Failure as failure:
        print(f"FAILED (CRASH_SEED={seed}, kept in {folder}): {failure}")
        sys.exit(1)
    if not os.environ.get("CRASH_KEEP"):
        servers.remove(folder)
    print("each acknowledged event, dead letter and finding is there once")


if __name__ == "__main__":
    main()
