"""A scenario's patient who writes in a messaging app."""

from __future__ import annotations

from providers.provider import Provider, Shown
from scenario_chat import Chat, Reply, read
from scenario_servers import Servers, wait_until

# The sentence before the first answer, in its short and its long form.
NOTICE = "automated assistant"


class AppChat(Chat):
    """One patient's chat in an app, with what they have read there in place of the REST answer.

    ``sender`` is the conversation's id, once the patient has written.
    """

    def __init__(self, servers: Servers, provider: Provider, patient: str) -> None:
        super().__init__(servers, "none yet")
        self._provider = provider
        self._patient = patient

    def say(self, text: str) -> list[Reply]:
        """Writes words; returns what is answered."""
        self._provider.typed.append(text)
        return self._write(self._provider.text(self._patient, text), text)

    def click(self, title: str) -> list[Reply]:
        """Presses the newest button with this title, or types its number."""
        for shown in reversed(self._provider.seen(self._patient)):
            if title in shown.buttons:
                request = self._provider.press(self._patient, shown.buttons[title])
                return self._write(request, f"[{title}]")
        raise AssertionError(f'there is no button "{title}"\n{self}')

    def _write(self, request: tuple[dict[str, str], bytes], said: str) -> list[Reply]:
        known = self._conversations() if self.sender == "none yet" else set()
        before, shown = self._last(), len(self._provider.seen(self._patient))
        self._events = None
        self.transcript.append(f"> {said}")
        assert self._provider.deliver(request) == 200
        if self.sender == "none yet":
            wait_until(lambda: len(self._conversations() - known) == 1, "it has arrived")
            (self.sender,) = self._conversations() - known
        wait_until(lambda: self._is_answered(before), f"an answer\n{self}")
        new = [each for each in self._provider.seen(self._patient)[shown:] if not _notice(each)]
        self.replies = [Reply(each.text, each.buttons) for each in new]
        for each in self.replies:
            self.transcript.append(f"  {each.text} {list(each.buttons)}")
        assert self.replies, f"nothing was answered\n{self}"
        return self.replies

    def _conversations(self) -> set[str]:
        query = "SELECT conversation FROM app_senders WHERE app = ?"
        rows = read(self.servers.tracker_database, query, self._provider.name)
        return {str(row["conversation"]) for row in rows}

    def _last(self) -> int:
        query = "SELECT max(seq) AS last FROM website_messages WHERE conversation = ?"
        return read(self.servers.tracker_database, query, self.sender)[0]["last"] or 0

    def _is_answered(self, before: int) -> bool:
        """Whether there is an answer to what is newer, and all of it was sent."""
        query = (
            "SELECT sum(m.state = 'pending') AS waits, max(m.seq) AS last, s.sent"
            " FROM website_messages m JOIN app_senders s USING (conversation)"
            " WHERE conversation = ?"
        )
        (row,) = read(self.servers.tracker_database, query, self.sender)
        return bool(row["last"] and row["last"] > before + 1 and not row["waits"]) and (
            row["sent"] == row["last"]
        )


def _notice(shown: Shown) -> bool:
    return NOTICE in shown.text and "delete my data" in shown.text
