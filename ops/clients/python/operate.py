"""What an operator sees and does, by the real binary on brokers of its own: metrics, health, logs, `corelog stats`.

operate.py BOOTSTRAP: the broker there is not asked; each check starts what it needs.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from check import Checks, eventually
from node import CORELOG, WORK, Node, corelog, node
from terminal import Terminal


def figures_are_true():
    with node("figures") as broker:
        broker.corelog("topic", "create", "counted", "--partitions", "2")
        for partition in (0, 1):
            broker.corelog("produce", "counted", "--partition", partition, given="x" * 99 + "\n" + "y" * 99 + "\n")
        read = sum(len(broker.corelog("consume", "counted", "--partition", p, "--exit").splitlines()) for p in (0, 1))
        broker.corelog("produce", "counted", "--partition", "7", given="lost\n", status=1)
        assert read == 4
        eventually("all is posted", lambda: broker.sum("corelog_produced_records_total") == 4, 5)
        samples = broker.samples()
        assert broker.sum("corelog_request_seconds_count", api="CreateTopics") == 1
        assert broker.sum("corelog_request_seconds_count", api="Produce") == 2
        assert broker.sum("corelog_stage_seconds_count", stage="ack") >= 2
        assert broker.sum("corelog_stage_seconds_count", stage="journal") == broker.sum("corelog_journal_writes_total") >= 2
        assert 400 < broker.sum("corelog_produced_bytes_total") <= broker.sum("corelog_fetched_bytes_total") < 1000
        assert {labels["core"] for labels, _ in samples["corelog_connections"]} == {"0", "1"}
        assert broker.sum("corelog_partitions") == 2
        # The process's own, under the names that every dashboard knows.
        assert broker.sum("process_resident_memory_bytes") > 1e6 and broker.sum("process_open_fds") > 3
        assert abs(broker.sum("process_start_time_seconds") - time.time()) < 60


def a_node_says_when_it_is_ready():
    starting = Node("ready")
    seen = set()
    deadline = time.monotonic() + 20
    while 200 not in seen and time.monotonic() < deadline:
        status, text = starting.page("/readyz")
        seen.add(status)
        if status == 200:
            assert text == "ready\n"
            # What is ready serves.
            starting.corelog("topic", "list")
    assert 200 in seen and seen <= {0, 503, 200}, seen
    assert starting.page("/healthz") == (200, "alive\n")
    assert starting.page("/nothing")[0] == 404
    starting.end()
    assert starting.page("/healthz")[0] == 0


def slow_scrapers_harm_nobody():
    with node("slow") as broker:
        host, port = broker.metrics.split(":")
        held = []
        for number in range(300):
            with contextlib.suppress(OSError):
                held.append(socket.create_connection((host, int(port)), 1))
                held[-1].sendall(b"GET /metrics HTTP/1.1\r\n" + (b"\r\n" if number % 2 else b"X: "))
        begun = time.monotonic()
        assert broker.page("/metrics")[0] == 200 and time.monotonic() - begun < 2
        assert b"connections_accepted" in broker.page("/metrics")[1].encode()
        broker.corelog("topic", "create", "beside")
        files = broker.sum("process_open_fds")
        assert files < 150, f"{files} open files"
        for one in held:
            one.close()


def a_taken_port_is_told():
    with node("first") as first:
        broker = Node("second", "--metrics", first.metrics, metrics=False)
        assert broker.process.wait(20) == 1
        told = broker.log.read_text()
        assert "metrics.listener" in told and first.metrics in told and "in use" in told, told
    with socket.socket() as holder:
        # Whoever holds the default port, a broker starts all the same: nobody asked for that port.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            holder.bind(("127.0.0.1", 9404))
            holder.listen()
        broker = Node("third", metrics=False)
        eventually("it serves", lambda: "ready" in broker.log.read_text())
        assert "choose an address by --metrics" in broker.log.read_text()
        broker.end()


def logs_are_structured_and_bounded():
    with node("json", "--log-format", "json") as broker:
        host, port = broker.bootstrap.split(":")
        for _ in range(400):
            with socket.create_connection((host, int(port)), 5) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
                peer.recv(1)
        eventually("all are counted", lambda: broker.sum("corelog_bad_input_total", kind="BadFrame") == 400)
    lines = [json.loads(line) for line in broker.log.read_text().splitlines()]
    assert all(line["level"] in ("INFO", "WARN", "ERROR") and line["timestamp"] and line["message"] for line in lines)
    bad = [line for line in lines if line.get("kind") == "BadFrame"]
    # One line of each core within ten seconds.
    assert 1 <= len(bad) <= 4 and bad[0]["peer"].startswith("127.0.0.1:"), bad
    refused = corelog("serve", "--log-format", "yaml", "--data-dir", WORK / "never", status=1)
    assert "text, json" in refused, refused


def stats_once():
    with node("stats") as broker:
        broker.corelog("topic", "create", "busy")
        load = subprocess.Popen([CORELOG, "produce", "busy", "--broker", broker.bootstrap], stdin=subprocess.PIPE, text=True,
                                stderr=subprocess.DEVNULL)
        look = subprocess.Popen([CORELOG, "stats", "--once", "--json", "--interval", "2", "--metrics", broker.metrics],
                                stdout=subprocess.PIPE, text=True)
        until = time.monotonic() + 2.5
        sent = 0
        while time.monotonic() < until:
            load.stdin.write("a record of some length\n" * 1000)
            sent += 1000
            time.sleep(0.02)
        seen = json.loads(look.communicate(timeout=20)[0])
        load.stdin.close()
        assert load.wait(20) == 0
        rate = sum(core["produced_records_per_s"] for core in seen["cores"])
        assert 0.3 * sent / 2.5 < rate < 2 * sent / 2.5, (rate, sent)
        spread = {row["name"]: row for row in seen["apis"] + seen["stages"]}
        assert 0 < spread["Produce"]["p50"] <= spread["Produce"]["p99"] and spread["journal"]["per_s"] > 1, spread
        text = corelog("stats", "--once", "--metrics", broker.metrics)
        assert "ready" in text and re.search(r"^ *all +\d+ %", text, re.M) and "journal" in text, text
    told = corelog("stats", "--once", "--metrics", broker.metrics, status=1)
    assert "metrics.listener" in told, told


def stats_live_in_a_terminal():
    with node("live") as broker, Terminal(140, 30) as terminal:
        broker.corelog("topic", "create", "watched")
        terminal.type(f"{CORELOG} stats --metrics {broker.metrics}")
        eventually("it shows the cores", lambda: "STAGE" in terminal.screen() and "REQUESTS/S" in terminal.screen())
        first = terminal.screen()
        assert re.search(r"Corelog \S+ at \S+: ready", first), first
        broker.corelog("produce", "watched", given="one\n" * 5000)
        eventually("it moves", lambda: "Produce" in terminal.screen())
        assert terminal.screen().count("STAGE") == 1, "drawn over what was there"
        print(terminal.screen())
        terminal.key("C-c")
        eventually("the shell is back", lambda: "STAGE" not in terminal.screen())


def state_of(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def dumps_show_what_is_there():
    data = WORK / "dumped"
    with node("dumped") as broker:
        broker.corelog("topic", "create", "kept", "--partitions", "2", "--config", "retention.ms=123456")
        for partition in (0, 1):
            broker.corelog("produce", "kept", "--partition", partition, "--key", "k", given="a\nb\nc\n")
        assert "stop the broker first" in corelog("dump", "metadata", "--data-dir", data, status=1)
    before = state_of(data)
    cluster = json.loads(corelog("dump", "metadata", "--data-dir", data, "--json"))
    assert [row["core"] for row in cluster["partitions"] if row["topic"] == "kept"] == [0, 1], cluster
    assert {"configured": "kept", "key": "retention.ms", "value": "123456"} in cluster["configs"], cluster
    said = []
    for core in (0, 1):
        lines = corelog("dump", "journal", "--data-dir", data, "--core", core, "--records", "--json").splitlines()
        frames = [json.loads(line) for line in lines]
        assert all(frame["follows"] for frame in frames) and frames[-1]["count"] == 0, "a clean stop ends in a closing frame"
        said += [record["says"] for frame in frames for record in frame["records"]]
        logs = json.loads(corelog("dump", "checkpoint", "--data-dir", data, "--core", core, "--json"))["logs"]
        assert [log["end"] for log in logs if log["end"] == 3 and log["start"] == 0] == [3], logs
    assert sum("append to log" in text and "offsets 0 to 2" in text for text in said) == 2, said
    assert "closing" in corelog("dump", "journal", "--data-dir", data)
    segments = [path for path in data.glob("logs/*/*.log") if corelog("dump", "segment", path).count("3 record(s)")]
    assert len(segments) == 2, segments
    lines = corelog("dump", "segment", segments[0], "--records", "--json").splitlines()
    assert [json.loads(line)["value"] for line in lines[1:]] == ["a", "b", "c"] and json.loads(lines[0])["intact"], lines
    assert state_of(data) == before, "a dump changes nothing"
    with open(segments[0], "r+b") as file:
        file.seek(json.loads(lines[0])["position"] + 70)
        file.write(b"\xee")
    assert "1 batch(es) are damaged" in corelog("dump", "segment", segments[0], status=1)
    assert "not" in corelog("dump", "segment", data / "corelog.lock", status=1)


def check_says_what_to_do():
    rows = {row["check"]: row for row in json.loads(corelog("check", "--data-dir", WORK / "checked", "--json"))}
    assert all(row["verdict"] != "BAD" for row in rows.values()), rows
    assert rows["kernel"]["found"] == os.uname().release and "direct I/O works" in rows["data directory"]["found"]
    assert re.match(r"\d+ us", rows["durable write"]["found"]), rows
    text = subprocess.run([CORELOG, "check", "--data-dir", "/dev/shm/corelog-check"], capture_output=True, text=True)
    shutil.rmtree("/dev/shm/corelog-check", ignore_errors=True)
    assert text.returncode == 1 and "BAD" in text.stdout and "does not run here" in text.stderr, text
    with node("running"):
        held = subprocess.run([CORELOG, "check", "--data-dir", WORK / "running"], capture_output=True, text=True)
        assert held.returncode == 1 and "in use by process" in held.stdout, held
    low = subprocess.run(f"ulimit -n 256; {CORELOG} check --data-dir {WORK}/checked", shell=True, capture_output=True, text=True)
    assert low.returncode == 0 and "LimitNOFILE" in low.stdout, low


def completions_in_a_real_bash():
    with Terminal(100, 20) as terminal:
        terminal.type(f"PATH={Path(CORELOG).parent}:$PATH; source <(corelog completions bash); clear")
        terminal.tmux("send-keys", "-l", "corelog topic des")
        terminal.key("Tab")
        eventually("a word is completed", lambda: "corelog topic describe" in terminal.screen())
        terminal.key("C-u")
        terminal.tmux("send-keys", "-l", "corelog consume --for")
        terminal.key("Tab")
        terminal.key("Tab")
        eventually("an option is completed", lambda: "corelog consume --format" in terminal.screen())
        terminal.key("Tab")
        terminal.key("Tab")
        eventually("its values are offered", lambda: re.search(r"value +full +json", terminal.screen()))
    assert corelog("completions", "zsh").startswith("#compdef corelog")
    assert "complete -c corelog" in corelog("completions", "fish")


checks = Checks()
for check in (figures_are_true, a_node_says_when_it_is_ready, slow_scrapers_harm_nobody, a_taken_port_is_told,
              logs_are_structured_and_bounded, stats_once, stats_live_in_a_terminal, dumps_show_what_is_there, check_says_what_to_do,
              completions_in_a_real_bash):
    checks.run(check.__name__.replace("_", " "), check)
checks.end()
