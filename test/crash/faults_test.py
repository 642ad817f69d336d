"""Faults of disk and folder, one at a time, under the same load and the same account as crash_test.py.

usage: faults_test.py PATH_OF_TOCSIN FAULT        FAULT: a function below without its fault_
CRASH_SEED as there. Exit 0: well; 1: found something; 77: cannot run here (root is needed for mounts).
"""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import account
import clients as senders
import server as servers
from server import Failure

RATE = 300
LONGEST_ENTRY = 150_000  # Bytes of the longest delivery that the senders make.


def wait_for(what, question, seconds=60):
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.1)


def begin(context, **options):
    server = servers.Server(context.program, context.folder, **options)
    context.server = server
    server.start()
    server.wait_ready()
    server.make_ingest_source()
    return server


def load(context, seconds, kinds=senders.KINDS, first_index=0):
    """Senders that have run for a while, and all of them were answered. They go on."""
    server = context.server
    clients = [kind(server, first_index + i + 1, f"{context.seed}/{first_index + i}", RATE) for i, kind in enumerate(kinds)]
    for client in clients:
        client.name_of += f"-{first_index}" if first_index else ""
        client.start()
    time.sleep(seconds)
    wait_for("an answer for each sender", lambda: all(c.answers or c.name_of.startswith("syslog") for c in clients))
    return clients


def end(clients):
    senders.stop_clients(clients)
    for client in clients:
        if client.problem or client.is_alive():
            raise Failure(f"the sender {client.name_of} fell over: {client.problem}")


def goes_on(clients, seconds=60):
    """Each sender is answered again from now on."""
    since = time.monotonic()
    wait_for("all senders being answered again", lambda: all(c.last_acknowledged > since for c in clients), seconds)


def lost_numbers(server, clients):
    """Acknowledged, and not in the store. Failure where something is there twice or was never sent."""
    counts = {}
    for numbers in account.stored_numbers(server, "events", account.EVENT_NUMBER):
        for number in numbers:
            counts[number] = counts.get(number, 0) + 1
    if any(count > 1 for count in counts.values()):
        raise Failure(f"there more than once: {[n for n, count in counts.items() if count > 1][:10]}")
    return {client.base() + at for client in clients for at, state in enumerate(client.state)
            if state == senders.ACKNOWLEDGED and client.base() + at not in counts}


def drain(server, seconds=60):
    """Until the store no longer grows."""
    before, since = -1, time.monotonic()
    last = time.monotonic()
    while time.monotonic() - since < seconds:
        now = server.number("SELECT count() FROM events WHERE source != 'tocsin-audit'")
        if now != before:
            before, last = now, time.monotonic()
        elif time.monotonic() - last > 3:
            return
        time.sleep(0.3)
    raise Failure(f"the store still grows after {seconds} s")


def journal_problem(server):
    try:
        parts = server.health()["parts"]
    except (OSError, Failure):
        return None
    return next((part["problem"] for part in parts if part["name"] == "journal" and not part["ok"]), None)


# Disk.

def need_mounts():
    if os.geteuid() != 0:
        servers.skip("only root can mount a small disk")
    if os.environ.get("CRASH_UNSHARED"):
        return
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        servers.skip("no mount namespace of one's own here")
    os.environ["CRASH_UNSHARED"] = "1"
    os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.orig_argv[1:]])


def mount(*arguments):
    done = subprocess.run(["mount", *arguments], stderr=subprocess.PIPE)
    if done.returncode != 0:
        servers.skip(f"mount {' '.join(arguments)}: {done.stderr.decode().strip()}")


def fill(path, leave):
    """Until only so many bytes are free, or none: others write at the same time."""
    with open(path, "ab", buffering=0) as out:
        try:
            while True:
                disk = os.statvfs(path)
                out.write(bytes(max(1 << 12, min(1 << 20, disk.f_bavail * disk.f_frsize - leave))))
                if leave and disk.f_bavail * disk.f_frsize <= leave + (1 << 20):
                    return
        except OSError:
            return


def fault_disk_full(context):
    """A full disk: senders wait or are refused, nothing is lost, and it goes on by itself once there is room."""
    need_mounts()
    data = context.folder / "data"
    data.mkdir()
    mount("-t", "tmpfs", "-o", "size=192m", "tocsin-test", str(data))
    server = begin(context, settings=["journal.min_free=4MB", "journal.max_size=64MB"])
    clients = load(context, 3)
    for _ in range(2):
        filler = data / "filler"
        fill(filler, 8 << 20)
        problem = wait_for("the journal to say that the disk is full", lambda: journal_problem(server))
        if "free" not in problem:
            raise Failure(f"the journal's problem is another one: {problem}")
        time.sleep(3)
        server.must_run()
        acknowledged = [c for c in clients if c.name_of != "syslog" and time.monotonic() - c.last_acknowledged < 2]
        if acknowledged:
            raise Failure(f"still acknowledged on a full disk: {[c.name_of for c in acknowledged]}")
        # Full to the last byte: also the store and the ledger have no room.
        fill(filler, 0)
        time.sleep(3)
        server.must_run()
        filler.unlink()
        goes_on(clients)
    wait_for("the journal to be well again", lambda: journal_problem(server) is None)
    end(clients)
    account.settle(server, clients, 60)
    server.kill()
    server.start()
    server.wait_ready()
    account.settle(server, clients, 60)


def fault_read_only(context):
    """A disk that its driver has made read-only: nothing more is acknowledged; repaired and started anew, all is there."""
    need_mounts()
    image, data = context.folder / "disk", context.folder / "data"
    data.mkdir()
    with open(image, "wb") as out:
        out.truncate(512 << 20)
    if shutil.which("mkfs.ext4") is None:
        servers.skip("no mkfs.ext4")
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    mount("-o", "loop,errors=remount-ro", str(image), str(data))
    context.mounts.append(data)
    device = os.path.basename(subprocess.run(["findmnt", "-n", "-o", "SOURCE", str(data)], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    trigger = pathlib.Path("/sys/fs/ext4") / device / "trigger_fs_error"
    if not trigger.exists():
        servers.skip("this kernel cannot be told to find an error on a disk")
    server = begin(context)
    clients = load(context, 4)
    trigger.write_text("test of tocsin\n")
    problem = wait_for("the journal to say that it cannot write", lambda: journal_problem(server))
    if "ead-only" not in problem and "Input/output" not in problem:
        raise Failure(f"the journal's problem is another one: {problem}")
    time.sleep(3)
    server.must_run()
    acknowledged = [c for c in clients if c.name_of != "syslog" and time.monotonic() - c.last_acknowledged < 2]
    if acknowledged:
        raise Failure(f"still acknowledged on a read-only disk: {[c.name_of for c in acknowledged]}")
    server.kill()
    wait_for("the store's process to end", lambda: subprocess.run(["umount", str(data)], stderr=subprocess.DEVNULL).returncode == 0)
    subprocess.run(["e2fsck", "-fy", str(image)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    mount("-o", "loop", str(image), str(data))
    server.start()
    server.wait_ready()
    goes_on(clients)
    end(clients)
    account.settle(server, clients, 60)
    server.stop()
    subprocess.run(["umount", str(data)])


# The journal's files.

def with_backlog(context):
    """A server killed while its journal held what the store had not; its senders, and the last segment with the size it had
    when the store stood still."""
    server = begin(context)
    clients = load(context, 4)
    child = server.store_child()
    os.kill(child, signal.SIGSTOP)  # What comes from now on is in the journal only.
    time.sleep(1)
    last = sorted((server.data / "journal").glob("*.segment"))[-1]
    size = last.stat().st_size
    since = time.monotonic()
    wait_for("more in the journal", lambda: last.stat().st_size > size + 8 * LONGEST_ENTRY and time.monotonic() - since > 3)
    # While nothing is on its way: what is cut off later was acknowledged.
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(60)
    server.kill()
    return server, clients, last, size


def after_damage(context, server, clients, allowed):
    """What was damaged is gone, nothing else is, and what comes later is taken for what it is."""
    server.start()
    server.wait_ready()
    drain(server)
    later = load(context, 4, first_index=10)
    end(later)
    drain(server)
    lost = lost_numbers(server, clients + later)
    if lost - allowed:
        raise Failure(f"lost though it was not damaged: {sorted(lost - allowed)[:10]}")
    account.settle(server, clients + later, 30, lambda asked, _: account.problems_of_findings(asked) + account.problems_of_incidents(asked))
    return lost, server.losses()


def numbers_in(data):
    return {int(number) for number in re.findall(rb"crashno=([0-9]+)", data)}


def fault_truncated(context):
    """The last segment is cut short: only what was in that part is lost, and that is counted."""
    server, clients, last, size = with_backlog(context)
    whole = last.read_bytes()
    cut = random.Random(context.seed).randrange(size + LONGEST_ENTRY, len(whole) - 3 * LONGEST_ENTRY)
    with open(last, "r+b") as file:
        file.truncate(cut)
    lost, losses = after_damage(context, server, clients, numbers_in(whole[cut - LONGEST_ENTRY:]))
    if not lost:
        raise Failure("nothing is lost: the test did not cut what it should")
    if not any(what.startswith("bytes cut from the end of the journal") for what in losses):
        raise Failure(f"the loss is not shown: {losses}")
    print(f"lost {len(lost)} events with {len(whole) - cut} bytes; shown: {losses}")


def fault_cut_into_stored(context):
    """The journal ends before what is stored: ids of stored events are not given to new ones."""
    server = begin(context)
    clients = load(context, 8)
    end(clients)
    account.settle(server, clients, 60)
    server.kill()
    last = sorted((server.data / "journal").glob("*.segment"))[-1]
    with open(last, "r+b") as file:
        file.truncate(last.stat().st_size // 3)
    for position in (server.data / "journal").glob("position-*"):
        position.unlink()
    lost, _ = after_damage(context, server, clients, set())
    print(f"lost {len(lost)} events; {server.log_tail(400).count('has lost its end')} warning")


def fault_flipped_bit(context):
    """One bit of an entry that is not stored yet: the entry is lost and counted, its neighbours are not."""
    server, clients, last, size = with_backlog(context)
    whole = bytearray(last.read_bytes())
    at = random.Random(context.seed).randrange(size + LONGEST_ENTRY, len(whole) - 3 * LONGEST_ENTRY)
    with open(last, "r+b") as file:
        file.seek(at)
        file.write(bytes([whole[at] ^ 4]))
    lost, losses = after_damage(context, server, clients, numbers_in(whole[at - LONGEST_ENTRY:at + LONGEST_ENTRY]))
    if losses.get("damaged entries of the journal") != 1:
        raise Failure(f"not one damaged entry is shown: {losses}")
    if len(lost) > 100:
        raise Failure(f"{len(lost)} events are lost with one bit")
    print(f"lost {len(lost)} events; shown: {losses}")


def fault_journal_removed(context):
    """Somebody removes the journal beside a store: new events get ids of their own."""
    server = begin(context)
    clients = load(context, 6)
    end(clients)
    account.settle(server, clients, 60)
    server.stop()
    shutil.rmtree(server.data / "journal")
    lost, losses = after_damage(context, server, clients, set())
    if lost:
        raise Failure(f"lost: {sorted(lost)[:10]}")
    if "was removed" not in server.log_tail(400):
        raise Failure("the log does not say that the journal was removed")
    print("shown:", losses or "nothing")


def fault_no_engine(context):
    """Without the engine's library the program says what is missing and how to get it."""
    server = servers.Server(context.program, context.folder)
    context.server = server
    server.start({"TOCSIN_ENGINE_FOLDER": str(context.folder / "nowhere")})
    try:
        code = server.process.wait(20)
    except subprocess.TimeoutExpired:
        if server.ready() and any(pathlib.Path(place).exists() for place in ("/var/lib/tocsin/engine/libchdb.so", "/usr/lib/tocsin/libchdb.so")):
            servers.skip("the engine is installed for all of this machine")
        raise Failure("it runs without an engine") from None
    said = server.log_tail()
    if code == 0 or "install" not in said or "libchdb" not in said:
        raise Failure(f"code {code}, and it does not say how to install the engine")
    print(said)


class Context:
    def __init__(self, program, folder, seed):
        self.program, self.folder, self.seed = program, folder, seed
        self.server, self.mounts = None, []


def main():
    program = servers.options()
    faults = {name[6:]: function for name, function in globals().items() if name.startswith("fault_")}
    fault = faults.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if fault is None:
        sys.exit("which fault? " + " ".join(sorted(faults)))
    seed = os.environ.get("CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
    if "need_mounts" in fault.__code__.co_names:
        need_mounts()
    context = Context(program, servers.scratch(), seed)
    print(f"{sys.argv[1]}: {fault.__doc__}\nCRASH_SEED={seed} in {context.folder}", flush=True)
    try:
        fault(context)
    except Failure as failure:
        print("--- the server said last\n" + context.server.log_tail())
        print(f"FAILED (CRASH_SEED={seed}, kept in {context.folder}): {failure}", flush=True)
        context.mounts, keep = [], True
        sys.exit(1)
    finally:
        if context.server is not None and context.server.running():
            context.server.process.kill()
            context.server.process.wait()
    servers.remove(context.folder)
    print("well", flush=True)


if __name__ == "__main__":
    main()
