// One message, with what belongs to it: who, when, source, card, answers to choose, thumbs.
import { html, nothing, type TemplateResult } from "lit";
import { type Entry, spoken } from "../conversation.ts";
import * as icons from "../icons.ts";
import type { Card } from "../protocol.ts";
import { dial, numbersIn, plain, richText } from "../rich-text.ts";
import { appointment, clockTime, fullTime } from "../times.ts";
import type { Emergency, Ui } from "../ui.ts";

const STATUSES = ["requested", "confirmed", "changed", "declined", "cancelled", "expired"];

const MARKS = { emergency: icons.alert, urgent: icons.clock, check: icons.question } as const;

function treatment({ service, minutes }: Card, { say }: Ui): string | undefined {
  return service && minutes ? say("treatment", { service, minutes }) : service;
}

/** What is known of an appointment: a key of the wording, and the words. */
export function cardRows(booking: Card, ui: Ui): [string, string][] {
  const { say } = ui;
  const known = STATUSES.includes(booking.status ?? "");
  const rows: [string, string | undefined][] = [
    ["when", appointment(booking.starts, booking.ends, booking.zone, ui.lang)],
    ["what", treatment(booking, ui)],
    ["who", booking.therapist],
    ["where", booking.place],
    ["status", known ? say(`status_${booking.status}`) : booking.status],
  ];
  return rows.filter((row): row is [string, string] => !!row[1]);
}

function card(entry: Entry, ui: Ui): TemplateResult | typeof nothing {
  const { say } = ui;
  const booking = entry.card;
  if (booking?.type !== "booking") return nothing;
  return html`
    <section class="card" part="card" aria-label=${say("booking")}>
      <p class="card-title">
        ${icons.calendar}${say(booking.status === "confirmed" ? "booking_confirmed" : "booking")}
      </p>
      <p class="reference"><span>${say("reference")}</span> <strong>${booking.reference}</strong></p>
      <dl>
        ${cardRows(booking, ui).map(([key, value]) => html`<div><dt>${say(key)}</dt><dd dir="auto">${value}</dd></div>`)}
      </dl>
      ${booking.ics
        ? html`<button class="plain" @click=${() => ui.addToCalendar(entry)}>
            ${icons.calendar}${say("add_to_calendar")}
          </button>`
        : nothing}
    </section>
  `;
}

function thumbs(entry: Entry, ui: Ui): TemplateResult | typeof nothing {
  const { say } = ui;
  if (!entry.rateable) return nothing;
  const unrated = entry.unrated ? html`<p class="problem">${icons.alert}<span>${say("not_done")}</span></p>` : nothing;
  if (ui.explaining === entry.id) {
    return html`<form
      class="reason"
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        const field = (event.target as HTMLFormElement).elements[0] as HTMLInputElement;
        ui.explain(entry, field.value.trim());
      }}
    >
      ${unrated}
      <label for="reason-${entry.id}">${say("reason")}</label>
      <input id="reason-${entry.id}" name="reason" maxlength="500" autocomplete="off" />
      <div class="choices">
        <button class="main small">${say("reason_send")}</button>
        <button class="plain small" type="button" @click=${() => ui.explain(entry, "")}>${say("reason_skip")}</button>
      </div>
    </form>`;
  }
  const thumb = (value: "up" | "down", label: string) => html`<button
    class="icon-button ${value}"
    aria-label=${say(label)}
    aria-pressed=${entry.rated === value ? "true" : "false"}
    @click=${() => ui.rate(entry, value)}
  >
    ${icons.thumb}
  </button>`;
  return html`<div class="thumbs">
    ${unrated} ${entry.rated ? html`<p class="quiet rated">${say("rated")}</p>` : nothing}
    ${thumb("up", "helpful")} ${thumb("down", "not_helpful")}
  </div>`;
}

function failure(entry: Entry, ui: Ui): TemplateResult {
  const { say, conversation } = ui;
  // The server says why in the patient's language; without it nobody has taken the message.
  const reason = entry.failure?.message ?? "";
  return html`
    <p class="failure">${icons.alert}<span>${say("failed")}. ${reason}</span></p>
    <div class="choices">
      <button class="plain small" @click=${() => conversation.retry(entry.id)}>${say("retry")}</button>
      ${entry.failure?.code === "no_ack"
        ? // It may have come to the clinic all the same, and be answered.
          nothing
        : html`<button class="plain small" @click=${() => conversation.discard(entry.id)}>${say("discard")}</button>`}
    </div>
  `;
}

function status(entry: Entry, ui: Ui): TemplateResult {
  const { say } = ui;
  if (entry.delivery === "failed") return failure(entry, ui);
  return html`
    ${entry.failure
      ? html`<div class="quiet">${entry.failure.message ? richText(entry.failure.message, ui.clinic.numbers) : say("soon")}</div>`
      : nothing}
    <p class="meta">
      <time datetime=${entry.at} title=${fullTime(entry.at, ui.lang)}>${clockTime(entry.at, ui.lang)}</time>
      <span class="delivery">${entry.delivery ? say(entry.failure ? "sending" : entry.delivery) : nothing}</span>
    </p>
  `;
}

/** `last`: nothing was said after it, so that its answers can still be chosen. */
export function message(entry: Entry, ui: Ui, last: boolean, closesGroup: boolean): TemplateResult {
  const { say, clinic } = ui;
  const mine = entry.from === "patient";
  const kind = entry.kind ?? "";
  const loud = kind === "emergency" || kind === "urgent";
  const mark = MARKS[kind as keyof typeof MARKS];
  const calls = loud ? numbersIn(entry.text, clinic.numbers) : [];
  const lang = spoken(entry) ?? nothing;
  return html`
    <li
      id="m-${entry.id}"
      class="message ${mine ? "mine" : "theirs"} ${entry.from} ${kind} ${entry.delivery ?? ""}"
      part="message ${mine ? "message-mine" : "message-theirs"} ${kind ? `message-${kind}` : ""}"
      tabindex="-1"
    >
      <span class="hidden">${ui.speakerName(entry)}:</span>
      ${entry.text || mark
        ? html`<div class="bubble">
            ${mark ? html`<p class="mark">${mark}${say(kind)}</p>` : nothing}
            <div class="text" lang=${lang}>${richText(entry.text, clinic.numbers, kind === "summary")}</div>
            ${calls.length
              ? html`<div class="calls">
                  ${calls.map((call) => html`<a class="call" href=${dial(call)}>${icons.phone}${say("call", { number: call })}</a>`)}
                </div>`
              : nothing}
            ${entry.source?.label ? html`<p class="source" lang=${lang} dir="auto">${entry.source.label}</p>` : nothing}
          </div>`
        : nothing}
      ${card(entry, ui)}
      ${mine
        ? status(entry, ui)
        : html`<div class="below">
            ${closesGroup
              ? html`<p class="meta">
                  ${entry.from === "assistant" ? nothing : html`<span aria-hidden="true" dir="auto">${ui.speakerName(entry)}</span>`}
                  <time datetime=${entry.at} title=${fullTime(entry.at, ui.lang)}>${clockTime(entry.at, ui.lang)}</time>
                </p>`
              : nothing}
            ${thumbs(entry, ui)}
          </div>`}
      ${last && entry.buttons?.length
        ? html`<ul class="replies" aria-label=${say("pick")}>
            ${entry.buttons.map(
              (button) => html`<li>
                <button class="reply" part="reply" lang=${lang} dir="auto" @click=${(event: Event) => ui.pick(button, event)}>
                  ${button.title}
                </button>
              </li>`,
            )}
          </ul>`
        : nothing}
    </li>
  `;
}

/** The last emergency, kept in view above the messages. */
export function pinned(entry: Emergency, ui: Ui): TemplateResult {
  const { say, clinic } = ui;
  const calls = numbersIn(entry.text, clinic.numbers);
  const language = spoken(entry) ?? nothing;
  const first = plain(entry.text).split(/\n|(?<=[.])\s/)[0];
  return html`
    <section class="pinned" part="pinned" aria-label=${say("emergency")}>
      ${icons.alert}
      <p><strong>${say("emergency")}:</strong> <span lang=${language} dir="auto">${first}</span>
</p>
      <button class="plain small" @click=${() => ui.reveal(entry.id)}>${say("show_message")}</button>
      ${(calls.length ? calls : [clinic.emergency]).slice(0, 1).map(
        (call) => html`<a class="call" href=${dial(call)}>${icons.phone}${say("call", { number: call })}</a>`,
      )}
    </section>
  `;
}
