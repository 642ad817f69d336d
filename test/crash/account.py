"""What was sent and acknowledged against what the store has, asked through the API."""
import contextlib
import hashlib
import sqlite3
import time

import clients as senders
from server import GROUP_RULE, MARK_RULE, Failure

NUMBER = "toUInt64OrZero(extract({}, 'crashno=([0-9]+)'))"
EVENT_NUMBER = NUMBER.format("if(process_cmd_line = '', raw, process_cmd_line)")
MINUTE = 60 * 10**9
SLICE = 20_000


def stored_numbers(server, table, expression):
    """Lists of numbers, one a row; read in slices of time so that no answer grows with the length of the test."""
    column = "ts" if table == "events" else "received_at"
    (first, last, count), = server.sql(f"SELECT toString(min({column})), toString(max({column})), count() FROM {table}")
    if int(count) == 0:
        return
    at = int(first) // MINUTE * MINUTE
    while at <= int(last):
        where = f"FROM {table} WHERE {column} >= {at} AND {column} < {at + MINUTE}"
        rows = server.sql(f"SELECT arrayStringConcat(groupArray(toString(n)), ',') FROM "
                          f"(SELECT {expression} AS n, row_number() OVER (ORDER BY n) AS place {where}) "
                          f"GROUP BY intDiv(place, {SLICE})")
        for row in rows:
            yield [int(number) for number in row[0].split(",") if number != "0"]
        at += MINUTE


def problems_of_numbers(server, clients):
    out = []
    seen = {client.index: bytearray(len(client.state)) for client in clients}
    for numbers in stored_numbers(server, "events", EVENT_NUMBER):
        for number in numbers:
            index, at = divmod(number, 10**9)
            if index not in seen or at >= len(seen[index]):
                out.append(f"an event that nobody sent: {number}")
                continue
            seen[index][at] = min(255, seen[index][at] + 1)
    for client in clients:
        counts = seen[client.index]
        missing = [at for at, state in enumerate(client.state) if state == senders.ACKNOWLEDGED and counts[at] == 0]
        twice = [at for at, count in enumerate(counts) if count > 1]
        if missing:
            out.append(f"{client.name_of}: {len(missing)} acknowledged events are not in the store, such as {missing[:5]}")
        if twice:
            out.append(f"{client.name_of}: {len(twice)} events are in the store more than once, such as {twice[:5]}")
    return out


def problems_of_dead_letters(server, clients):
    out, seen = [], {}
    for numbers in stored_numbers(server, "dead_letters", NUMBER.format("bytes")):
        for number in numbers:
            seen[number] = seen.get(number, 0) + 1
    known = {}
    for client in clients:
        known.update(client.bad)
    for number, state in known.items():
        if state == senders.ACKNOWLEDGED and number not in seen:
            out.append(f"the dead letter {number} is not in the store")
    for number, count in seen.items():
        if number not in known:
            out.append(f"a dead letter that nobody sent: {number}")
        if count > 1:
            out.append(f"the dead letter {number} is in the store {count} times")
    return out


def problems_of_findings(server):
    """A finding for each marked event that is stored, one for each group with three of them, and no other."""
    out = []
    marked = "FROM events WHERE position(process_cmd_line, 'crashmark') > 0"
    groups = f"SELECT host FROM (SELECT host, count() AS c {marked} GROUP BY host HAVING c >= {senders.GROUP_SIZE})"

    def same(what, found, wanted):
        if int(found) != int(wanted):
            out.append(f"{what}: {found}, expected {wanted}")

    (rows, ids), = server.sql("SELECT count(), uniqExact(id) FROM events")
    same("event ids told apart", ids, rows)
    (rows, ids), = server.sql("SELECT count(), uniqExact(id) FROM findings")
    same("finding ids told apart", ids, rows)
    (rows, events), = server.sql(f"SELECT count(), uniqExact(event_ids[1]) FROM findings WHERE rule_id = '{MARK_RULE}'")
    same("events with a finding", events, rows)
    same("findings of marked events", rows, server.number(f"SELECT count() {marked}"))
    same("findings of no marked event", server.number(
        f"SELECT count() FROM findings WHERE rule_id = '{MARK_RULE}' AND event_ids[1] NOT IN (SELECT id {marked})"), 0)
    (rows, hosts), = server.sql(f"SELECT count(), uniqExact(host) FROM findings WHERE rule_id = '{GROUP_RULE}'")
    same("groups with a finding", hosts, rows)
    same("findings of groups", rows, server.number(f"SELECT count() FROM ({groups})"))
    same("findings of no group", server.number(
        f"SELECT count() FROM findings WHERE rule_id = '{GROUP_RULE}' AND host NOT IN ({groups})"), 0)
    return out


def fold(ids):
    """One number for a set of ids, whatever their order: as the SQL of problems_of_incidents."""
    out = 0
    for one in ids:
        out ^= int.from_bytes(hashlib.md5(one.encode()).digest()[:8], "little")
    return out


def problems_of_incidents(server):
    """Each stored finding is in exactly one incident, and each finding of an incident is stored."""
    out = []
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/ledger.sqlite?mode=ro", uri=True)) as ledger:
        ids = [row[0] for row in ledger.execute("select finding from incident_members union all select finding from incident_folded")]
        counted = ledger.execute("select coalesce(sum(finding_count), 0) from incidents where merged_into = 0").fetchone()[0]
        merged = ledger.execute("select count(*) from incident_members where incident in "
                                "(select id from incidents where merged_into <> 0)").fetchone()[0]
    rows = server.number("SELECT count() FROM findings")
    if len(ids) != len(set(ids)):
        out.append(f"findings in two incidents: {len(ids) - len(set(ids))}")
    if len(ids) != rows:
        out.append(f"findings in incidents: {len(ids)}, stored: {rows}")
    elif fold(ids) != server.number("SELECT groupBitXor(reinterpretAsUInt64(MD5(id))) FROM findings"):
        out.append("the findings in incidents are not those that are stored")
    if counted != len(ids):
        out.append(f"incidents say that they have {counted} findings, they have {len(ids)}")
    if merged:
        out.append(f"findings in incidents that became part of another: {merged}")
    return out


def problems(server, clients):
    return (problems_of_numbers(server, clients) + problems_of_dead_letters(server, clients) + problems_of_findings(server)
            + problems_of_incidents(server))


def settle(server, clients, seconds, question=problems):
    """Waits until `question` (of server and clients) names no problem; Failure with what is wrong where that never comes."""
    end = time.monotonic() + seconds
    found = question(server, clients)
    while found and time.monotonic() < end:
        time.sleep(1)
        found = question(server, clients)
    if found:
        raise Failure("\n  ".join(["the account is wrong:", *found[:40]]))


def summary(server, clients):
    lines = []
    for client in clients:
        states = client.state
        lines.append(f"  {client.name_of}: sent {len(states)}, acknowledged {states.count(senders.ACKNOWLEDGED)}, "
                     f"answers {client.answers}, refused {client.refused}, no answer {client.failures}")
    for table in ("events", "findings", "dead_letters"):
        lines.append(f"  stored {table}: {server.number(f'SELECT count() FROM {table}')}")
    return "\n".join(lines)
