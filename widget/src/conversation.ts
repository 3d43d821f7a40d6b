// One conversation: what was said, what is still to be sent, who is speaking.
import { Connection, type Line, Unanswered } from "./connection.ts";
import { type Lifetime, Memory, type Unsent } from "./memory.ts";
import type {
  Answer,
  Button,
  Handoff,
  Link,
  Message,
  Page,
  Problem,
  Session,
} from "./protocol.ts";

/** Seconds without an answer after which the patient is told. */
const SLOW = 10;
/** Seconds a deletion may take: an answer that is being made is waited for first. */
const DELETING = 60;
/** Times a message is sent without an acknowledgement before the patient is asked. */
const TRIES = 3;
const PAGE = 50;
/** So many of the tab's own messages are known on the next page. */
const OWN = 50;
/** Seconds after the last key until the patient counts as no longer typing. */
const STILL_TYPING = 4;

export type Delivery = "sending" | "waiting" | "sent" | "failed";

export interface Entry extends Omit<Message, "seq"> {
  /** Absent until the server has it. */
  seq?: number;
  payload?: string;
  delivery?: Delivery;
  /** Why it failed, a code of the protocol. */
  failure?: Problem;
  /** Since when its answer is waited for, milliseconds. */
  since?: number;
  /** The last thumb could not be passed on. */
  unrated?: boolean;
}

/** Something that happened between the messages: a key of the wording. */
export interface Note {
  note: string;
  values: Record<string, string>;
  /** The seq it stands behind. */
  after: number;
}

export interface Watcher {
  changed(): void;
  /** Messages that nobody has been shown before, in order, none of the patient's. */
  arrived(entries: Entry[]): void;
  /** A message is here, maybe once more after a reload. */
  here(entry: Entry): void;
  /** To be told to everyone, also to those who do not look. */
  noted(key: string, values: Record<string, string>): void;
  /** The answer takes long; maybe with a text of the server's. */
  late(why: boolean | string): void;
  /** A message is sent again in a moment; the server may have said why. */
  delayed(why: string | undefined): void;
}

export interface Options {
  server: string;
  lifetime: Lifetime;
  locale(): string;
  watcher: Watcher;
}

/** The language of a message's words as far as it is known: the assistant speaks English unless it says so. */
export function spoken({ from, lang }: Partial<Entry>): string | undefined {
  return lang ?? (from === "assistant" ? "en" : undefined);
}

export function newId(): string {
  // Not every page is served over https, and only those have randomUUID.
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export class Conversation {
  readonly memory: Memory;
  /** What is this tab's alone. */
  readonly #tab: Memory;
  session: Session | undefined;
  notes: Note[] = [];
  typing = false;
  /** The answer is late; a text of the server's about it, where it has said something. */
  slow: boolean | string = false;
  /** Earlier messages can be fetched. */
  more = false;
  deleted = false;
  speaker: { kind: "assistant" | "person"; name?: string } = { kind: "assistant" };

  #entries = new Map<string, Entry>();
  /** Which conversation is on the screen. What is stored may be another tab's newer one. */
  #label: string | undefined;
  /** The seq before the first message that is here; unknown until the server has sent some. */
  #base: number | undefined;
  /** Conversations that were on the screen before. */
  #left = new Set<string | undefined>();
  #awaited: string | undefined;
  /** The seq up to which a person had the word. */
  #handedBack = 0;
  #options: Options;
  #connection: Connection;
  #tabs: BroadcastChannel | undefined;
  /** Connected, and not greeted yet: another conversation than before was not asked for. */
  #arriving = false;
  #flushing = false;
  #tries = 0;
  #slowly: ReturnType<typeof setTimeout> | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #typed: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.memory = new Memory(options.server, options.lifetime);
    this.#tab = options.lifetime === "session" ? this.memory : new Memory(options.server, "session");
    this.#connection = new Connection(options.server, {
      hello: () => ({
        token: this.memory.get().token,
        // Without it the server sends the newest messages, as "history".
        last_seq: (this.memory.get().conversation === this.#label && this.#lastSeq()) || undefined,
        locale: options.locale(),
      }),
      line: (line) => this.#line(line),
      heard: (event, data) => this.#heard(event, data),
    });
    const { conversation, outbox = [] } = this.memory.get();
    this.#label = conversation;
    for (const unsent of outbox) {
      const delivery = unsent.failure ? "failed" : "waiting";
      this.#entries.set(unsent.id, { ...unsent, from: "patient", delivery });
    }
    this.#join();
  }

  get line(): Line {
    return this.#connection.line;
  }

  get agreed(): boolean {
    return this.memory.get().agreed ?? false;
  }

  /** What was said, in order; what the server does not have yet comes last. */
  get entries(): Entry[] {
    const end = Number.MAX_SAFE_INTEGER;
    return [...this.#entries.values()].sort((a, b) => (a.seq ?? end) - (b.seq ?? end));
  }

  /** How many messages came while the window was closed. */
  get unread(): number {
    const read = this.memory.get().read ?? 0;
    return this.entries.filter((entry) => entry.from !== "patient" && (entry.seq ?? 0) > read).length;
  }

  /** Something was said before, and the server has not shown it on this page yet. */
  get missing(): boolean {
    const { token, agreed } = this.memory.get();
    return !!token && !!agreed && this.#base === undefined && !(this.session && this.line === "online");
  }

  /** Whether the server has the message that waits longest for its answer. */
  get reached(): boolean {
    return this.#entries.get(this.#awaited ?? "")?.seq !== undefined;
  }

  /** The greatest number of characters of a message. */
  get limit(): number {
    return this.session?.limits?.text ?? 2000;
  }

  /** Connects, unless it is connected. Asks other tabs for their conversation first. */
  async start(): Promise<void> {
    if (this.line !== "idle") return;
    if (!this.#tabs) this.#join();
    if (!this.memory.get().token && this.#tabs) {
      this.#tabs.postMessage({ ask: true });
      await new Promise((resolve) => setTimeout(resolve, 120));
      if (this.line !== "idle") return;
    }
    this.#connection.open();
  }

  /** Disconnects; what is remembered stays. */
  stop(): void {
    this.#connection.close();
    this.#tabs?.close();
    this.#tabs = undefined;
    for (const timer of [this.#slowly, this.#typed]) clearTimeout(timer);
  }

  /** Disconnects and forgets, and leaves the other tabs: the patient does not want to write. */
  refuse(): void {
    this.stop();
    this.#forget();
    this.#changed();
  }

  /** Takes a message; it is sent as soon as possible, also after a reload. */
  send(text: string, button?: Button): void {
    const unsent: Unsent = { id: newId(), text, at: new Date().toISOString() };
    if (button) unsent.payload = button.payload;
    this.deleted = false;
    this.memory.update({ agreed: true, draft: "" });
    this.memory.keep(unsent);
    this.#tab.update({ own: [...(this.#tab.get().own ?? []), unsent.id].slice(-OWN) });
    this.#entries.set(unsent.id, {
      ...unsent,
      from: "patient",
      delivery: this.line === "online" ? "sending" : "waiting",
    });
    this.#stopTyping();
    this.#watch();
    this.#changed();
    void this.start();
    void this.#flush();
  }

  retry(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry || entry.delivery !== "failed") return;
    entry.delivery = this.line === "online" ? "sending" : "waiting";
    delete entry.failure;
    this.#keep(entry);
    this.#watch();
    this.#changed();
    void this.#flush();
  }

  /** Takes back a message that could not be sent. */
  discard(id: string): void {
    if (this.#entries.get(id)?.delivery !== "failed") return;
    this.#entries.delete(id);
    this.memory.drop(id);
    this.#changed();
  }

  /** Everything up to now has been shown. */
  shown(): void {
    const seq = this.#lastSeq();
    if (seq <= (this.memory.get().read ?? 0)) return;
    this.memory.update({ read: seq });
    this.#connection.tell("received", { seq });
    this.#tabs?.postMessage({ read: seq });
    this.#changed();
  }

  isTyping(): void {
    if (!this.#typed) this.#connection.tell("typing", { on: true });
    clearTimeout(this.#typed);
    this.#typed = setTimeout(() => this.#stopTyping(), STILL_TYPING * 1000);
  }

  /** Says between the messages, by default at their end, what could not be done, until it has been. */
  tried(note: string, done: boolean, after = Number.MAX_SAFE_INTEGER): void {
    this.notes = this.notes.filter((one) => one.note !== note);
    if (!done) {
      this.notes.push({ note, values: {}, after });
      this.#options.watcher.noted(note, {});
    }
    this.#changed();
  }

  /** Fetches the page before what is here; returns whether it came. */
  async earlier(): Promise<boolean> {
    const data = { before: this.#first, limit: PAGE };
    const answer = await this.#connection.ask<Page>("history", data).catch(() => undefined);
    if (answer?.ok) this.#read(answer);
    return answer?.ok ?? false;
  }

  /** The whole conversation, for the patient's copy; undefined when it cannot be fetched. */
  async everything(): Promise<Entry[] | undefined> {
    while (this.more || this.#base === undefined) {
      const first = this.#first;
      if (!(await this.earlier()) || (this.more && first === this.#first)) return undefined;
    }
    return this.entries;
  }

  /** Whether the message was written in this tab, maybe on an earlier page. */
  wroteHere(id = ""): boolean {
    return this.#tab.get().own?.includes(id) ?? false;
  }

  /** An address that opens a messaging app with this conversation; undefined when there is none now. */
  async link(app: string): Promise<Link | undefined> {
    const answer = await this.#connection.ask<Link>("link", { app }).catch(() => undefined);
    return answer?.ok ? answer : undefined;
  }

  /** Returns whether the server took it. */
  async rate(id: string, value: "up" | "down" | "none", reason?: string): Promise<boolean> {
    const data = { message_id: id, value, ...(reason ? { reason } : {}) };
    const answer = await this.#connection.ask("feedback", data).catch(() => undefined);
    const entry = this.#entries.get(id);
    if (entry) entry.unrated = !answer?.ok;
    if (answer?.ok && entry) entry.rated = value === "none" ? undefined : value;
    this.#changed();
    return answer?.ok ?? false;
  }

  /** Deletes the conversation at the server and here; returns whether, and maybe why not. */
  async delete(): Promise<{ done: boolean; why?: string }> {
    const answer = await this.#connection.ask("delete", {}, DELETING).catch(() => undefined);
    if (answer?.ok) this.#deleted();
    return { done: this.deleted, why: answer?.ok === false ? answer.error?.message : undefined };
  }

  /** A new conversation; returns whether it worked. */
  async restart(): Promise<boolean> {
    const answer = await this.#connection.ask("restart", {}).catch(() => undefined);
    return answer?.ok ?? false;
  }

  #changed(): void {
    this.#options.watcher.changed();
  }

  get #first(): number | undefined {
    return this.entries.find((entry) => entry.seq !== undefined)?.seq;
  }

  /** Up to where nothing is missing: an acknowledgement can arrive before an earlier message. */
  #lastSeq(): number {
    const here = new Set([...this.#entries.values()].map((entry) => entry.seq));
    let seq = this.#base ?? 0;
    while (here.has(seq + 1)) seq += 1;
    return seq;
  }

  #note(note: string, values: Record<string, string> = {}): void {
    const after = this.entries.findLast((entry) => entry.seq)?.seq ?? 0;
    this.notes.push({ note, values, after });
    this.#options.watcher.noted(note, values);
  }

  #line(line: Line): void {
    this.#arriving = line === "online";
    if (!this.#arriving) {
      this.#goOn();
      this.typing = false;
      this.#quiet();
      for (const entry of this.#entries.values()) {
        if (entry.delivery === "sending") entry.delivery = "waiting";
        if (entry.delivery === "waiting") delete entry.failure;
        delete entry.since;
      }
    }
    this.#changed();
  }

  #heard(event: string, data: unknown): void {
    switch (event) {
      case "session":
        this.#greeted(data as Session);
        break;
      case "message":
        this.#merge([data as Message], 0);
        break;
      case "history":
        this.#read(data as Page);
        break;
      case "typing":
        this.typing = (data as { on?: boolean }).on ?? false;
        break;
      case "handoff":
        this.#handedOff(data as Handoff);
        break;
      case "error":
        this.#failed(data as Problem);
        break;
      case "deleted":
        this.#deleted();
        break;
    }
    this.#changed();
  }

  #greeted(session: Session): void {
    const { conversation, token } = session;
    const from = this.#label;
    if (from && from !== conversation) {
      const said = this.#lastSeq() > 0 || (this.memory.get().read ?? 0) > 0;
      this.#forget();
      if (said && this.#arriving) this.#note("expired");
      // Another tab may be ahead.
      this.#tabs?.postMessage({ ask: true });
    }
    this.#arriving = false;
    this.session = session;
    this.#label = conversation;
    if (!session.resumed) this.#base ??= 0;
    this.speaker = { kind: session.assistant?.kind ?? "assistant", name: session.assistant?.name };
    this.memory.update({ token, conversation });
    this.tried("not_done", true);
    this.#tabs?.postMessage({ token, conversation, from });
    void this.#flush();
    this.#watch();
    this.#changed();
  }

  #read(page: Page): void {
    const first = Math.min(...page.messages.map((message) => message.seq));
    const known = this.#first ?? Infinity;
    if (first <= known || !page.messages.length) this.more = page.more;
    this.#base = Math.min(this.#base ?? Infinity, first - 1);
    if (this.#base === Infinity) this.#base = 0;
    this.#merge(page.messages, this.memory.get().read ?? 0);
  }

  /** `read`: up to where they may have been shown on an earlier page. */
  #merge(messages: Message[], read: number): void {
    const fresh: Entry[] = [];
    for (const message of messages) {
      if (typeof message?.id !== "string" || typeof message.seq !== "number") continue;
      const known = this.#entries.get(message.id);
      this.#base ??= message.seq - 1;
      this.memory.drop(message.id);
      // The entry itself is changed: it may be the one that is being sent.
      const entry: Entry = Object.assign(known ?? {}, message, { text: String(message.text ?? "") });
      this.#entries.set(message.id, entry);
      if (message.from === "patient") {
        entry.delivery = "sent";
        delete entry.failure;
        this.#tries = 0;
        continue;
      }
      this.#options.watcher.here(entry);
      if (!known && message.seq > read) fresh.push(entry);
    }
    if (fresh.length) {
      this.typing = false;
      this.#options.watcher.arrived(fresh.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0)));
    }
    this.#watch();
    this.#changed();
  }

  #handedOff({ state, name }: Handoff): void {
    this.speaker = state === "joined" ? { kind: "person", name } : { kind: "assistant" };
    if (state !== "joined") this.speaker.name = this.session?.assistant?.name;
    if (state === "left") this.#handedBack = this.#lastSeq();
    const unnamed = state === "joined" && !name ? "_unnamed" : "";
    this.#note(`handoff_${state}${unnamed}`, name ? { name } : {});
    this.#watch();
  }

  #failed(problem: Problem): void {
    // A frame that is too large is that of the message on its way, which would be sent again for ever.
    const entry =
      problem.code === "too_large"
        ? this.entries.find((one) => one.delivery === "sending")
        : this.#entries.get(problem.in_reply_to ?? "");
    if (problem.code === "no_answer") {
      // It is still given as soon as it can be, and then this disappears.
      this.typing = false;
      this.#late(problem.message ?? true);
    } else if (entry && entry.seq === undefined) {
      this.#refused(entry, problem);
    }
  }

  #deleted(): void {
    // Said twice where it was asked for: between the two something new may have been written.
    if (this.deleted || this.#label === undefined) return;
    // What was not sent yet is as much of it as what was.
    this.memory.update({ outbox: [] });
    this.#forget();
    this.deleted = true;
    this.#options.watcher.noted("deleted", {});
    this.#changed();
  }

  #clear(): void {
    // What was written and not sent yet belongs to the patient, not to the conversation.
    const { open, invited, outbox } = this.memory.get();
    const { own } = this.#tab.get();
    const unsent = this.line !== "idle" && outbox?.length ? { outbox, agreed: true } : {};
    this.memory.clear({ open, invited, ...unsent });
    this.#tab.update({ own: unsent.outbox && own });
  }

  #forget(): void {
    // What follows may be stored already.
    if (this.memory.get().conversation === this.#label) this.#clear();
    const { outbox = [] } = this.memory.get();
    for (const id of this.#entries.keys()) {
      if (!outbox.some((unsent) => unsent.id === id)) this.#entries.delete(id);
    }
    this.notes = [];
    this.#left.add(this.#label);
    this.#label = this.#base = undefined;
    this.#handedBack = 0;
    this.#goOn();
    this.more = false;
    this.typing = false;
    this.#quiet();
  }

  /** Sends what is in the outbox, one after the other so that the order stays. */
  async #flush(): Promise<void> {
    if (this.#flushing || this.#pause) return;
    this.#flushing = true;
    try {
      for (;;) {
        const next = this.entries.find(
          (entry) => entry.delivery === "sending" || entry.delivery === "waiting",
        );
        if (!next || this.line !== "online" || !this.session) return;
        next.delivery = "sending";
        this.#changed();
        if (!(await this.#deliver(next))) return;
      }
    } finally {
      this.#flushing = false;
    }
  }

  /** Ends the pause that the server has asked for. */
  #goOn(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  /** Returns whether to go on with the next one now. */
  async #deliver(entry: Entry): Promise<boolean> {
    const { id, text, payload } = entry;
    let answer: Answer<{ seq?: number; at?: string }>;
    try {
      const data = payload === undefined ? { id, text } : { id, payload, title: text };
      answer = await this.#connection.ask("message", data);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      // The server drops what it has already, so sending again cannot say it twice.
      if (entry.seq === undefined && this.line === "online" && ++this.#tries >= TRIES) this.#refused(entry, { code: "no_ack" });
      return this.line === "online";
    }
    this.#tries = 0;
    if (answer.ok) {
      this.memory.drop(id);
      delete entry.failure;
      entry.delivery = "sent";
      entry.seq ??= answer.seq;
      if (answer.at) entry.at = answer.at;
      this.#watch();
      this.#changed();
      return true;
    }
    // It has come back from the server in the meantime, so it is there.
    if (entry.seq !== undefined) return true;
    const problem = answer.error ?? { code: "bad_message" };
    if (problem.code === "not_found") {
      // Closed or deleted in another window: it belongs into the conversation that follows.
      entry.delivery = "waiting";
      this.#connection.reopen();
      return false;
    }
    if (problem.retry_after !== undefined || problem.code === "server_busy") {
      // Who writes fast is asked to wait, though it is this window that waits for them.
      const message = problem.code === "too_fast" ? undefined : problem.message;
      if (!entry.failure) this.#options.watcher.delayed(message);
      entry.delivery = "waiting";
      entry.failure = { ...problem, message };
      this.#changed();
      this.#pause = setTimeout(() => {
        this.#goOn();
        void this.#flush();
      }, (problem.retry_after ?? 5) * 1000);
      return false;
    }
    this.#refused(entry, problem);
    return true;
  }

  #refused(entry: Entry, problem: Problem): void {
    this.#tries = 0;
    entry.delivery = "failed";
    entry.failure = problem;
    // What the server has refused is sent again by the patient alone, also after a reload.
    if (problem.code !== "no_ack") this.#keep(entry);
    this.#options.watcher.noted("failed", {});
    this.#watch();
    this.#changed();
  }

  #keep({ id, text, payload, at, failure }: Entry): void {
    this.memory.keep({ id, text, payload, at, failure });
  }

  /** The patient's messages that wait for an answer, the last one first. */
  #unanswered(): Entry[] {
    const found: Entry[] = [];
    const answered = new Set<string>();
    for (const entry of this.entries.reverse()) {
      // A person has read what is above what they say; what programs say unasked ends no waiting.
      if (entry.from === "person" || (entry.seq ?? Infinity) <= this.#handedBack) break;
      if (entry.from !== "patient") {
        if (entry.in_reply_to) answered.add(entry.in_reply_to);
      } else if (answered.has(entry.id)) {
        break;
      } else if (entry.delivery !== "failed") {
        found.push(entry);
      }
    }
    return found;
  }

  /** Runs the clock of the message that waits longest for its answer. */
  #watch(): void {
    const waiting = this.line === "online" && this.speaker.kind === "assistant" ? this.#unanswered() : [];
    for (const entry of waiting) entry.since ??= Date.now();
    const { id, since = 0 } = waiting.at(-1) ?? {};
    if (!id || id !== this.#awaited) this.#quiet();
    this.#awaited = id;
    if (!id || this.#slowly || this.slow) return;
    this.#slowly = setTimeout(() => this.#late(true), since + SLOW * 1000 - Date.now());
  }

  #late(why: boolean | string): void {
    this.#quiet();
    this.slow = why;
    this.#options.watcher.late(why);
    this.#changed();
  }

  #quiet(): void {
    clearTimeout(this.#slowly);
    this.#slowly = undefined;
    this.slow = false;
  }

  #stopTyping(): void {
    if (!this.#typed) return;
    clearTimeout(this.#typed);
    this.#typed = undefined;
    this.#connection.tell("typing", { on: false });
  }

  /** Tabs of one browser share the conversation, though each has a storage of its own. */
  #join(): void {
    if (typeof BroadcastChannel !== "function") return;
    this.#tabs = new BroadcastChannel(`clinic-chat:${this.#options.server}`);
    this.#tabs.onmessage = ({ data }) => {
      const mine = this.memory.get();
      const { ask, token, conversation, agreed, read, from } = data;
      if (ask) {
        const { token, conversation, agreed, read } = mine;
        if (token && agreed) this.#tabs?.postMessage({ token, conversation, agreed, read });
      } else if (token && conversation === this.#label) {
        this.memory.update({ token });
      } else if (token) {
        // Taken over in place of the one it follows, by a tab in which nothing was said, or by one
        // that has none.
        if (this.#left.has(conversation)) return;
        if (this.#label ? from !== this.#label && mine.agreed : !agreed) return;
        if (mine.conversation !== conversation) {
          this.#clear();
          this.memory.update({ token, conversation, agreed: agreed || this.agreed, read });
        }
        // The server tells this tab itself, which may be waiting for what it has asked it.
        if (from === this.#label && this.line === "online") return;
        this.#forget();
        this.#label = conversation;
        if (this.session) this.#connection.reopen();
        this.#changed();
      } else if (typeof read === "number" && read > (mine.read ?? 0)) {
        if (read <= this.#lastSeq()) this.memory.update({ read });
        this.#changed();
      }
    };
  }
}
