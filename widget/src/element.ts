// <clinic-chat>: the button on the page and the window it opens.
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { Announcer } from "./announcer.ts";
import type { Line } from "./connection.ts";
import { Conversation, type Entry, spoken } from "./conversation.ts";
import { download, transcript } from "./download.ts";
import type { Button, Link } from "./protocol.ts";
import { numbersIn, plain, safeHref } from "./rich-text.ts";
import { styles } from "./styles.ts";
import type { Clinic, Emergency, Ui, View } from "./ui.ts";
import { characters, composer } from "./views/composer.ts";
import { cover, header } from "./views/header.ts";
import { launcher, unreadText } from "./views/launcher.ts";
import { connection, log, slowness } from "./views/log.ts";
import { pinned } from "./views/message.ts";
import { refused } from "./views/notice.ts";
import { language, type Say, tag, words } from "./wording.ts";

/** Below this width the window takes the whole screen. */
const NARROW = "(max-width: 479px)";
/** Milliseconds without a connection until the patient is told. */
const OFFLINE_AFTER = 1000;
/** Pixels from the end that still count as being at the end. */
const NEAR = 80;

// Known only while the file is being read.
const HOME = ((): string => {
  const script = document.currentScript;
  return script instanceof HTMLScriptElement && script.src ? new URL(script.src).origin : location.origin;
})();

export class ClinicChat extends LitElement {
  static override styles = styles;
  static override properties = {
    server: { type: String },
    keep: { type: String },
    lang: { type: String, reflect: true },
    clinic: { type: String },
    phone: { type: String },
    emergency: { type: String },
    privacy: { type: String },
    inviteAfter: { type: Number, attribute: "invite-after" },
    opened: { type: Boolean, reflect: true },
    _view: { state: true },
    _menu: { state: true },
    _away: { state: true },
    _below: { state: true },
    _problem: { state: true },
    _explaining: { state: true },
    _offline: { state: true },
    _draft: { state: true },
    _inviting: { state: true },
    _link: { state: true },
  };

  /** Origin of the server; by default where this file came from. */
  declare server: string;
  /** "session" (default) forgets with the tab, "local" keeps the conversation in this browser. */
  declare keep: string;
  /** Shown until the server has said it: the clinic's name and numbers, address of the privacy page. */
  declare clinic: string;
  declare phone: string;
  declare emergency: string;
  declare privacy: string;
  /** Seconds until an invitation appears beside the button; 0: never. */
  declare inviteAfter: number;
  /** Whether the window is open. Use open(), close() and toggle() to change it. */
  declare opened: boolean;
  declare _view: View;
  declare _menu: boolean;
  /** The last emergency has been scrolled out of view. */
  declare _away: boolean;
  declare _below: boolean;
  declare _problem: string;
  declare _explaining: string;
  declare _offline: boolean;
  declare _draft: string;
  declare _inviting: boolean;
  declare _link: Link | undefined;

  #conversation!: Conversation;
  #announcer!: Announcer;
  #narrow = matchMedia(NARROW);
  #offlineTimer: ReturnType<typeof setTimeout> | undefined;
  #inviteTimer: ReturnType<typeof setTimeout> | undefined;
  #follow = true;
  #scrollTo: string | undefined;
  #saidLine: Line = "idle";
  #watched: Element | undefined;
  #sight = new IntersectionObserver(
    (looks) => {
      // What has the focus does not disappear.
      const held = this.renderRoot.querySelector(".pinned:focus-within");
      this._away = !looks.at(-1)!.isIntersecting || held !== null;
    },
    { threshold: 0.9 },
  );

  constructor() {
    super();
    this.server = HOME;
    this.keep = "session";
    this.clinic = this.phone = this.emergency = this.privacy = "";
    this.inviteAfter = 0;
    this.opened = this._menu = this._away = this._below = this._offline = this._inviting = false;
    this._view = "chat";
    this._problem = this._explaining = this._draft = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#announcer = new Announcer(this.renderRoot as ShadowRoot);
    this.#conversation = new Conversation({
      server: new URL(this.server, location.href).origin,
      lifetime: this.keep === "local" ? "local" : "session",
      locale: () => language(this.#lang),
      watcher: {
        changed: () => this.#changed(),
        arrived: (entries) => this.#arrived(entries),
        here: (entry) => this.#count(entry),
        noted: (key, values) => this.#noted(key, values),
        late: (why) => (typeof why === "string" ? this.#tell(why) : this.#noted(slowness(this.#conversation), {})),
        delayed: (why) => (why ? this.#tell(why) : this.#noted("soon", {})),
      },
    });
    const { token, outbox, draft, open, invited } = this.#conversation.memory.get();
    this._draft = draft ?? "";
    if (token || outbox?.length) void this.#conversation.start();
    if (this.inviteAfter > 0 && !invited && !token) {
      this.#inviteTimer = setTimeout(() => (this._inviting = !this.opened), this.inviteAfter * 1000);
    }
    document.addEventListener("visibilitychange", this.#seen);
    this.#narrow.addEventListener("change", this.#resized);
    window.visualViewport?.addEventListener("resize", this.#keyboard);
    window.visualViewport?.addEventListener("scroll", this.#keyboard);
    // A phone's whole screen is not taken on arrival at the next page: only a window is reopened.
    if (open && !this.#narrow.matches) void this.updateComplete.then(() => this.#show(false));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#conversation.stop();
    this.#sight.disconnect();
    this.#watched = undefined;
    clearTimeout(this.#offlineTimer);
    clearTimeout(this.#inviteTimer);
    document.removeEventListener("visibilitychange", this.#seen);
    this.#narrow.removeEventListener("change", this.#resized);
    window.visualViewport?.removeEventListener("resize", this.#keyboard);
    window.visualViewport?.removeEventListener("scroll", this.#keyboard);
    this.opened = false;
  }

  /** Opens the window and moves the focus into it. Fires "open". */
  open(): void {
    this.#show(true);
  }

  /** Closes the window and gives the focus back to the button. Fires "close". */
  close(): void {
    if (!this.opened) return;
    const inside = this.renderRoot.querySelector("dialog")?.matches(":focus-within") ?? false;
    this.#dialog.close();
    this.opened = this._menu = false;
    this.#conversation.memory.update({ open: false });
    if (inside) this.renderRoot.querySelector<HTMLElement>("#launcher")?.focus();
    this.#fire("close");
  }

  toggle(): void {
    if (this.opened) this.close();
    else this.open();
  }

  /** Opens the window with a text in the field, below what is there, for the patient to send or change. */
  suggest(text: string): void {
    const draft = this._draft.trimEnd();
    if (!draft.endsWith(text)) this._draft = draft ? `${draft}\n${text}` : text;
    this.#conversation.memory.update({ draft: this._draft });
    this._view = "chat";
    if (this.opened) void this.#look("chat");
    else this.open();
  }

  protected override render(): unknown {
    const ui = this.#ui();
    const emergency = this.#emergency;
    const lang = language(ui.lang);
    return html`
      ${launcher({
        say: ui.say,
        lang,
        open: this.opened,
        unread: ui.conversation.unread,
        inviting: this._inviting && !this.opened,
        toggle: () => this.toggle(),
        decline: () => this.#invited(),
      })}
      <dialog
        id="panel"
        part="panel"
        lang=${lang}
        class=${this.#narrow.matches ? "full" : ""}
        aria-labelledby="title"
        aria-describedby="speaker"
        @cancel=${this.#cancelled}
        @keydown=${this.#escape}
      >
        ${this.opened
          ? html`
              ${header(ui)} ${connection(ui)} ${emergency && this._away ? pinned(emergency, ui) : nothing}
              ${this._view === "refused" ? refused(ui) : cover(ui)}
              <div class="body" ?hidden=${this._view !== "chat"} @scroll=${{ handleEvent: this.#scrolled, capture: true }}>
                ${log(ui)}
              </div>
              ${this._view === "chat" ? composer(ui) : nothing}
            `
          : nothing}
      </dialog>
      <div id="news" lang=${lang} aria-live="polite"></div>
      <div id="alerts" lang=${lang} aria-live="assertive"></div>
    `;
  }

  protected override updated(changed: PropertyValues): void {
    const field = this.#field;
    if (field && (changed.has("_draft") || changed.has("_view") || changed.has("opened"))) {
      // Grows with what is written where the browser does not do it by itself.
      if (!CSS.supports("field-sizing", "content")) {
        field.style.height = "auto";
        field.style.height = `${field.scrollHeight + 2}px`;
      }
    }
    this.#watch();
    if (!this.opened) return;
    this.#scroll();
    this.#seen();
  }

  /** What is under a cover, further down or in a tab behind another one has not been shown. */
  #seen = (): void => {
    const shows = this.opened && this._view === "chat" && this.#follow;
    if (shows && document.visibilityState === "visible") this.#conversation.shown();
  };

  /** Looks whether the last emergency's number to call can be seen. */
  #watch(): void {
    const emergency = this.opened ? this.#emergency : undefined;
    const row = emergency && this.#row(emergency.id);
    // One that is too far back to be here, or cannot be fetched yet, is out of sight.
    if (emergency && !row) this._away = true;
    const watched = row ? (row.querySelector(".calls") ?? row) : undefined;
    if (watched === this.#watched) return;
    this.#sight.disconnect();
    this.#watched = watched;
    if (!watched) return;
    this._away = false;
    this.#sight.observe(watched);
  }

  get #emergency(): Emergency | undefined {
    const { entries, memory } = this.#conversation;
    return entries.findLast((entry) => entry.kind === "emergency") ?? memory.get().alarm;
  }

  get #lang(): string {
    return tag(this.lang || document.documentElement.lang || navigator.language);
  }

  get #say(): Say {
    return words(this.#lang);
  }

  get #dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog")!;
  }

  get #field(): HTMLTextAreaElement | null {
    return this.renderRoot.querySelector("textarea");
  }

  get #log(): HTMLElement | null {
    return this.renderRoot.querySelector("#log");
  }

  #row(id: string): HTMLElement | null {
    return this.renderRoot.querySelector(`#m-${CSS.escape(id)}`);
  }

  get #clinic(): Clinic {
    const { memory, session } = this.#conversation;
    const told = session?.clinic ?? {};
    const alarm = memory.get().alarm?.text.split(", ") ?? [];
    const phone = told.phone ?? this.phone;
    const emergency = String(told.emergency ?? (this.emergency || "911"));
    return {
      name: told.name ?? this.clinic,
      phone,
      emergency,
      privacy: this.privacy ? (safeHref(new URL(this.privacy, location.href).href) ?? "") : "",
      numbers: [...new Set([emergency, phone, ...(told.numbers ?? alarm)].map(String).filter(Boolean))],
    };
  }

  #ui(): Ui {
    const say = this.#say;
    return {
      say,
      lang: this.#lang,
      clinic: this.#clinic,
      conversation: this.#conversation,
      view: this._view,
      menu: this._menu,
      below: this._below,
      problem: this._problem,
      explaining: this._explaining,
      offline: this._offline,
      draft: this._draft,
      link: this._link,
      speakerName: (entry) => this.#speakerName(entry),
      pick: (button, event) => this.#send(button.title, event, button),
      suggest: (text, event) => this.#send(text, event),
      rate: (entry, value) => void this.#rate(entry, value),
      explain: (entry, reason) => void this.#explain(entry, reason),
      addToCalendar: (entry) => this.#addToCalendar(entry),
      reveal: (id) => void this.#reveal(id),
      toBottom: () => this.#toBottom(),
      earlier: () => void this.#earlier(),
      show: (view) => void this.#look(view),
      toggleMenu: () => this.#toggleMenu(),
      copy: () => void this.#copy(),
      restart: () => void this.#restart(),
      remove: () => void this.#remove(),
      continueIn: (app) => void this.#continueIn(app),
      refuse: () => void this.#refuse(),
      minimise: () => this.close(),
      submit: (event) => this.#submit(event),
      typed: () => this.#typed(),
      key: (event) => this.#key(event),
    };
  }

  #speakerName(entry: Entry): string {
    if (entry.from === "patient") return this.#say("you");
    if (entry.name) return entry.name;
    if (entry.from === "clinic") return this.#clinic.name || this.#say("person");
    return this.#say(entry.from === "person" ? "person" : "assistant");
  }

  #show(focus: boolean): void {
    if (this.opened) return;
    if (this._view === "refused") this._view = "chat";
    this.opened = true;
    this.#invited();
    this.#follow = true;
    this.#conversation.memory.update({ open: true });
    void this.#conversation.start();
    this.#changed();
    this.#fire("open");
    void this.updateComplete.then(() => {
      if (!this.opened) return;
      const before = document.activeElement;
      this.#place();
      if (focus) this.#focusInside();
      else if (before instanceof HTMLElement) before.focus();
      this.#scroll();
    });
  }

  /** A window beside the page, or the whole of a small screen with the page behind it inert. */
  #place(): void {
    if (this.#dialog.open) this.#dialog.close();
    if (this.#narrow.matches) this.#dialog.showModal();
    else this.#dialog.show();
    this.#keyboard();
  }

  #resized = (): void => {
    this.requestUpdate();
    if (!this.opened) return;
    const active = (this.renderRoot as ShadowRoot).activeElement as HTMLElement | null;
    this.#place();
    active?.focus();
  };

  /** The part of the screen that an on-screen keyboard leaves free. */
  #keyboard = (): void => {
    const view = window.visualViewport;
    // Zooming in with two fingers changes it as well, and then the window stays as it is.
    if (!view || !this.#narrow.matches || view.scale > 1.05) return;
    const atEnd = this.#atEnd();
    this.#dialog.style.setProperty("--_height", `${view.height}px`);
    this.#dialog.style.setProperty("--_top", `${view.offsetTop}px`);
    if (atEnd && this.opened) this.#log?.scrollTo({ top: this.#log.scrollHeight });
  };

  /** To the field; on a touch screen not, since a keyboard would cover half of what is to be read. */
  #focusInside(event?: Event): void {
    const touch =
      event instanceof PointerEvent && event.pointerType
        ? event.pointerType === "touch"
        : matchMedia("(pointer: coarse)").matches;
    const to = touch ? this.renderRoot.querySelector<HTMLElement>("#title") : this.#field;
    to?.focus({ preventScroll: true });
  }

  #invited(): void {
    clearTimeout(this.#inviteTimer);
    if (this._inviting) this.#conversation.memory.update({ invited: true });
    this._inviting = false;
  }

  #changed(): void {
    const { line } = this.#conversation;
    if (line !== "offline") {
      clearTimeout(this.#offlineTimer);
      this.#offlineTimer = undefined;
      if (this._offline && line === "online") {
        this._offline = false;
        this.#noted("back_online", {});
      }
    } else if (!this._offline) {
      this.#offlineTimer ??= setTimeout(() => {
        this._offline = true;
        this.#noted("offline", {});
      }, OFFLINE_AFTER);
    }
    if (this.opened && line !== this.#saidLine) {
      this.#saidLine = line;
      if (line === "busy") this.#noted("busy", {});
      if (line === "refused") this.#noted("not_allowed", {});
    }
    this.requestUpdate();
  }

  #arrived(entries: Entry[]): void {
    const say = this.#say;
    for (const entry of entries) {
      const urgent = entry.kind === "emergency" || entry.kind === "urgent";
      const mark = urgent ? `${say(entry.kind!)}. ` : "";
      const titles = entry.buttons?.map((button) => button.title).join(", ");
      const choices = titles ? [` ${say("pick")}: `, titles, "."] : [];
      const said = [`${mark}${this.#speakerName(entry)}: `, plain(entry.text), ...choices];
      this.#announcer.say(said, urgent, spoken(entry));
      if (entry.kind === "emergency") this.#remember(entry);
    }
    const { unread } = this.#conversation;
    if (!this.opened) {
      if (unread) this.#announcer.say(unreadText(say, unread));
    } else if (this.#follow) {
      // The beginning of what is new stays in view, however long it is.
      this.#scrollTo ??= entries[0]!.id;
    } else {
      this._below = true;
    }
  }

  /** Keeps whom to call at hand, for a page on which the message itself is not there yet. */
  #remember({ id, text }: Entry): void {
    const { emergency, numbers } = this.#clinic;
    const calls = numbersIn(text, numbers).join(", ") || emergency;
    this.#conversation.memory.update({ alarm: { id, text: calls } });
  }

  /** Tells the page of a request that was made in this tab, once. */
  #count({ card, in_reply_to }: Entry): void {
    const { memory } = this.#conversation;
    const { booked = [] } = memory.get();
    if (card?.status !== "requested" || booked.includes(card.reference)) return;
    if (!this.#conversation.wroteHere(in_reply_to)) return;
    memory.update({ booked: [...booked, card.reference] });
    this.#fire("clinic-chat:booking-requested");
  }

  #noted(key: string, values: Record<string, string | number>): void {
    if (key === "deleted") {
      this._draft = "";
      if (this._view === "delete") void this.#look("chat");
    }
    // A sentence about the connection is for those who look at the window.
    if (!this.opened && key !== "deleted" && !key.startsWith("handoff")) return;
    const { phone } = this.#clinic;
    const call = key.startsWith("slow") ? "slow_call" : key === "offline" || key === "busy" ? "offline_call" : "";
    const also = call && phone ? ` ${this.#say(call, { phone })}` : "";
    this.#announcer.say(this.#say(key, values) + also);
  }

  #tell(text: string): void {
    if (this.opened) this.#announcer.say(plain(text));
  }

  #send(text: string, event?: Event, button?: Button): void {
    this.#follow = true;
    this._below = false;
    this._explaining = "";
    this.#conversation.send(text, button);
    this.#fire("send");
    // Only after something was pressed, which is gone now; never because a message arrives.
    if (event && event.type === "click") this.#focusInside(event);
  }

  #submit(event?: Event): void {
    event?.preventDefault();
    const text = this._draft.trim();
    const { limit } = this.#conversation;
    const count = characters(this._draft);
    if (count > limit) this.#noted("too_long", { count, limit });
    if (!text || count > limit) return this.#field?.focus();
    this._draft = "";
    this.#send(text);
    this.#field?.focus();
  }

  #typed(): void {
    this._draft = this.#field?.value ?? "";
    this.#conversation.memory.update({ draft: this._draft });
    this.#conversation.isTyping();
  }

  #key(event: KeyboardEvent): void {
    // While a character is being composed, Enter chooses it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #escape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    if (this._menu) {
      this._menu = false;
      this.renderRoot.querySelector<HTMLElement>("#menu-button")?.focus();
    } else if (this._view !== "chat" && this._view !== "refused") {
      void this.#look("chat");
    } else {
      this.close();
    }
  };

  // The browser's own way to leave a modal window, as a phone's "back".
  #cancelled = (event: Event): void => {
    event.preventDefault();
    this.close();
  };

  #toggleMenu(): void {
    this._menu = !this._menu;
  }

  async #look(view: View): Promise<void> {
    this._menu = false;
    this._problem = "";
    this._link = undefined;
    this._view = view;
    if (view === "chat") void this.#conversation.start();
    await this.updateComplete;
    if (view === "chat") this.#focusInside();
    else this.renderRoot.querySelector<HTMLElement>(".cover h3")?.focus();
  }

  async #refuse(): Promise<void> {
    this.#conversation.refuse();
    this._draft = "";
    await this.#look("refused");
  }

  async #restart(): Promise<void> {
    if (await this.#conversation.restart()) await this.#look("chat");
    else this.#cannot(this.#say("not_done"));
  }

  async #remove(): Promise<void> {
    const { done, why } = await this.#conversation.delete();
    if (!done) this.#cannot(why ?? this.#say("delete_failed"));
  }

  async #continueIn(app: string): Promise<void> {
    this._problem = "";
    this._link = await this.#conversation.link(app);
    if (!this._link) return this.#cannot(this.#say("apps_failed"));
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(".cover a")?.focus();
  }

  async #copy(): Promise<void> {
    this._menu = false;
    const entries = await this.#conversation.everything();
    if (entries) {
      download(`${this.#say("copy_file")}.txt`, "text/plain", transcript(entries, this.#ui()));
    }
    this.#conversation.tried("copy_failed", !!entries);
    this.renderRoot.querySelector<HTMLElement>("#menu-button")?.focus();
  }

  #cannot(why: string): void {
    this._problem = why;
    this.#announcer.say(why);
  }

  #addToCalendar(entry: Entry): void {
    const ics = entry.card?.ics;
    if (!ics) return;
    if (ics.startsWith("BEGIN:VCALENDAR")) {
      download(`${this.#say("calendar_file")}.ics`, "text/calendar", ics);
    } else {
      const address = safeHref(new URL(ics, this.server).href);
      if (address) window.open(address, "_blank", "noopener");
    }
  }

  async #rate(entry: Entry, pressed: "up" | "down"): Promise<void> {
    const value = entry.rated === pressed ? "none" : pressed;
    if (!(await this.#conversation.rate(entry.id, value))) return this.#noted("not_done", {});
    if (value !== "down") return this.#announcer.say(this.#say(value === "up" ? "rated" : "rated_back"));
    this._explaining = entry.id;
    await this.updateComplete;
    this.#row(entry.id)?.querySelector("input")?.focus();
  }

  async #explain(entry: Entry, reason: string): Promise<void> {
    if (reason && !(await this.#conversation.rate(entry.id, "down", reason))) return this.#noted("not_done", {});
    this._explaining = "";
    this.#announcer.say(this.#say("rated"));
    await this.updateComplete;
    this.#focusInside();
  }

  async #earlier(): Promise<void> {
    const log = this.#log;
    const before = log ? log.scrollHeight - log.scrollTop : 0;
    this.#follow = false;
    this.#conversation.tried("not_done", await this.#conversation.earlier(), 0);
    await this.updateComplete;
    if (log) log.scrollTop = log.scrollHeight - before;
    log?.focus({ preventScroll: true });
  }

  async #reveal(id: string): Promise<void> {
    this.#follow = false;
    while (!this.#row(id) && this.#conversation.more && (await this.#conversation.earlier())) await this.updateComplete;
    const row = this.#row(id);
    // What could not be done is said at the end.
    this.#follow = !row;
    this.#conversation.tried("not_done", !!row);
    row?.scrollIntoView({ block: "start" });
    row?.focus({ preventScroll: true });
  }

  #toBottom(): void {
    this.#follow = true;
    this._below = false;
    this.#log?.focus({ preventScroll: true });
    this.#log?.scrollTo({ top: this.#log.scrollHeight });
  }

  #atEnd(): boolean {
    const log = this.#log;
    return !log || log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  }

  #scrolled = (): void => {
    this.#follow = this.#atEnd();
    if (this.#follow) this._below = false;
    this.#seen();
  };

  #scroll(): void {
    const log = this.#log;
    if (!log || !this.#follow || !this.#conversation.entries.length) return;
    log.scrollTop = log.scrollHeight;
    const row = this.#scrollTo && this.#row(this.#scrollTo);
    this.#scrollTo = undefined;
    if (!row) return;
    const hidden = log.getBoundingClientRect().top + 8 - row.getBoundingClientRect().top;
    if (hidden > 0) log.scrollTop -= hidden;
  }

  /** For the page's own statistics; carries nothing of what was said. */
  #fire(name: string): void {
    this.dispatchEvent(new CustomEvent(name, { bubbles: name.includes(":"), composed: true }));
  }
}
