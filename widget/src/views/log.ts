// The messages, in order, with days, notes between them and what is happening now.
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Conversation, Entry, Note } from "../conversation.ts";
import * as icons from "../icons.ts";
import { richText } from "../rich-text.ts";
import { dayName, sameDay } from "../times.ts";
import type { Ui } from "../ui.ts";
import { message } from "./message.ts";
import { around, notice, number, suggestions } from "./notice.ts";

type Row = { key: string; show: () => TemplateResult };

function rows(entries: Entry[], notes: Note[], ui: Ui): Row[] {
  const found: Row[] = [];
  let waiting = [...notes];
  const flush = (upTo: number) => {
    for (const note of waiting.filter((one) => one.after < upTo)) {
      found.push({
        key: `n-${notes.indexOf(note)}`,
        show: () => html`<li class="note"><p>${ui.say(note.note, note.values)}</p></li>`,
      });
    }
    waiting = waiting.filter((one) => one.after >= upTo);
  };
  entries.forEach((entry, index) => {
    flush(entry.seq ?? Infinity);
    const previous = entries[index - 1];
    const next = entries[index + 1];
    if (!previous ? !sameDay(entry.at, new Date().toISOString()) : !sameDay(entry.at, previous.at)) {
      found.push({ key: `d-${entry.id}`, show: () => html`<li class="day">${dayName(entry.at, ui.lang, ui.say)}</li>` });
    }
    const closesGroup = !next || next.from !== entry.from || !sameDay(next.at, entry.at);
    found.push({ key: entry.id, show: () => message(entry, ui, !next, closesGroup) });
  });
  flush(Infinity);
  return found;
}

function callLine(key: string, ui: Ui): unknown {
  return ui.clinic.phone ? around(ui.say(key), "{phone}", number(ui.clinic.phone)) : "";
}

/** What is to be known about the connection, or nothing. */
export function connection(ui: Ui): TemplateResult | typeof nothing {
  const { say, conversation, offline } = ui;
  const { line } = conversation;
  if (line === "refused") {
    return html`<p class="bar">${icons.alert}<span>${say("not_allowed")} ${ui.clinic.phone ? number(ui.clinic.phone) : ""}</span></p>`;
  }
  if (line === "busy") return html`<p class="bar">${icons.clock}<span>${say("busy")} ${callLine("offline_call", ui)}</span></p>`;
  if (offline) return html`<p class="bar">${icons.alert}<span>${say("offline")} ${callLine("offline_call", ui)}</span></p>`;
  return nothing;
}

/** What is said of an answer that takes long: a key of the wording. */
export function slowness({ reached }: Conversation): string {
  return reached ? "slow" : "slow_unsent";
}

export function log(ui: Ui): TemplateResult {
  const { say, conversation } = ui;
  const { entries, notes, more, typing, slow, line } = conversation;
  const name = conversation.speaker.name || say(conversation.speaker.kind);
  return html`
    <div
      id="log"
      class="log"
      part="log"
      role="log"
      aria-live="off"
      aria-label=${say("log")}
      tabindex="0"
    >
      ${more
        ? html`<button class="plain small earlier" @click=${() => ui.earlier()}>${say("earlier")}</button>`
        : conversation.missing
          ? line === "connecting"
            ? nothing
            : html`<p class="note">${say("missing")}</p>`
          : notice(ui)}
      ${conversation.deleted ? html`<p class="note done">${say("deleted")}</p>` : nothing}
      ${entries.length || more || conversation.missing ? nothing : suggestions(ui)}
      <ol class="messages">
        ${repeat(rows(entries, notes, ui), (row) => row.key, (row) => row.show())}
      </ol>
      ${typing
        ? html`<p class="typing" part="typing">
            <span class="hidden">${say("typing", { name })}</span>
            <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>
          </p>`
        : nothing}
      ${slow
        ? html`<div class="slow note">
            ${icons.clock}
            <div>${slow === true ? [say(slowness(conversation)), " ", callLine("slow_call", ui)] : richText(slow, ui.clinic.numbers)}</div>
          </div>`
        : nothing}
    </div>
    ${ui.below
      ? html`<button class="to-bottom" part="to-bottom" @click=${() => ui.toBottom()}>${say("new_messages")}${icons.down}</button>`
      : nothing}
  `;
}
