#!/usr/bin/env python3
"""A Waybill agent in one file, with Python's standard library alone.

It speaks protocol 1 (docs/protocol.md). For a message "post CHAT TEXT" it asks the host to post to
the chat and tells what became of it; every other message it answers with an echo.
"""

import json
import os
import re
import sys
import threading
import time


class Channel:
    """The two folders between this program and its host."""

    def __init__(self):
        self.start = json.load(sys.stdin)
        if self.start.get("protocol") != 1:
            raise SystemExit("This agent speaks protocol 1 only.")
        self.inbox = os.environ["WAYBILL_INBOX"]
        self.outbox = os.environ["WAYBILL_OUTBOX"]
        self.limits = self.start["limits"]
        self.seq = 0
        self.lock = threading.Lock()
        self.taken = set()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self):
        """The heartbeat: a file that is rewritten. May be lost."""
        while True:
            with open(os.path.join(self.outbox, ".alive"), "w") as file:
                file.write(f"{time.time()}\n")
            time.sleep(5)

    def say(self, kind, **data):
        """Writes the next word. Returns its number once the file has its final name."""
        with self.lock:
            seq = self.seq + 1
            self._wait_for_room(seq)
            word = {"v": 1, "seq": seq, "type": kind, "at": int(time.time() * 1000), "data": data}
            name = f"{seq:016}.json"
            temporary = os.path.join(self.outbox, f".{name}.{os.getpid()}.tmp")
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(word, file)
                os.fchmod(file.fileno(), 0o644)
            os.rename(temporary, os.path.join(self.outbox, name))
            self.seq = seq
            return seq

    def _wait_for_room(self, seq):
        """The host removes what it has recorded; too much unrecorded means: wait."""
        oldest = os.path.join(self.outbox, f"{seq - self.limits['unacknowledged']:016}.json")
        while os.path.exists(oldest):
            time.sleep(0.05)

    def operation(self, **operation):
        """Asks the host to do something at the Tracker, and waits for its answer."""
        seq = self.say("operation", operation=operation)
        path = os.path.join(self.inbox, f"a.{seq:016}.json")
        while not os.path.exists(path):
            time.sleep(0.05)
        return self._read(path)

    def letters(self):
        """Messages in order, each once, then the close."""
        while True:
            names = os.listdir(self.inbox)
            closing = "z.json" in names
            # A listing is no snapshot: what was put before the newest name seen here is sure to be
            # in a second listing.
            newest = max((name for name in names if name.startswith("m.")), default="")
            names = [n for n in os.listdir(self.inbox) if re.fullmatch(r"m\.\d{10}\.\d{4}\.json", n)]
            for name in sorted(names):
                if name in self.taken or not (closing or name <= newest):
                    continue
                self.taken.add(name)
                message = self._read(os.path.join(self.inbox, name))
                pair = (message["id"], message["delivery"])
                if pair not in self.taken:
                    self.taken.add(pair)
                    yield message
            if closing:
                return
            time.sleep(0.05)

    @staticmethod
    def _read(path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)["data"]


def main():
    channel = Channel()
    # This agent keeps no transcript, so it holds none of what earlier runs left unsettled.
    resumes = channel.start["conversation"]["resume"]
    channel.say("hello", agent="python-example/1", context="lost" if resumes else "fresh", holds=[])
    for number, message in enumerate(channel.letters(), start=1):
        turn = f"turn-{number}"
        channel.say("accepted", turn=turn, message=message["id"])
        channel.say("turn_ended", turn=turn, outcome="completed", text=answer(channel, message["text"]))
    channel.say("bye")


def answer(channel, text):
    match = re.fullmatch(r"post (\S+) (.*)", text, re.DOTALL)
    if match is None:
        return f"You said: {text}"[:60_000]
    result = channel.operation(type="chat.send", chat=match[1], content=match[2])
    return f"The host says: {result['status']}"


if __name__ == "__main__":
    main()
