// What the patient is told before the first message, and what is left when they would rather not.
import { html, nothing, type TemplateResult } from "lit";
import * as icons from "../icons.ts";
import { dial } from "../rich-text.ts";
import type { Ui } from "../ui.ts";

export function number(text: string): TemplateResult {
  return html`<a class="number" href=${dial(text)}>${text}</a>`;
}

/** A sentence with one place for something that is more than text. */
export function around(sentence: string, place: string, what: unknown): unknown[] {
  const [before, after] = sentence.split(place);
  return after === undefined ? [before] : [before, what, after];
}

export function notice(ui: Ui): TemplateResult {
  const { say, clinic, conversation } = ui;
  const days = conversation.session?.privacy?.keep_days;
  return html`
    <section class="notice" id="notice" part="notice" aria-labelledby="notice-title">
      <h3 id="notice-title">${say("notice_title")}</h3>
      <p>${say("notice_automated")}</p>
      <p class="notice-emergency">
        ${icons.alert}<span>${around(say("notice_emergency"), "{number}", number(clinic.emergency))}</span>
      </p>
      <p>
        ${days ? say("notice_stored", { days }) : say("notice_stored_unknown")}
        ${clinic.privacy
          ? html`<a href=${clinic.privacy} target="_blank" rel="noopener">${say("notice_privacy")}</a>.`
          : nothing}
        ${say("notice_consent")}
      </p>
      ${conversation.agreed
        ? nothing
        : html`<button class="plain small" @click=${() => ui.refuse()}>${say("refuse")}</button>`}
    </section>
  `;
}

export function suggestions(ui: Ui): TemplateResult {
  const { say } = ui;
  return html`
    <div class="suggestions">
      <p class="welcome bubble" dir="auto">${say("welcome")}</p>
      <p id="suggestions" class="quiet">${say("suggestions")}</p>
      <ul class="replies" aria-labelledby="suggestions">
        ${say("suggested")
          .split("|")
          .map(
            (text) => html`<li>
              <button class="reply" part="reply" @click=${(event: Event) => ui.suggest(text, event)}>${text}</button>
            </li>`,
          )}
      </ul>
    </div>
  `;
}

export function refused(ui: Ui): TemplateResult {
  const { say, clinic } = ui;
  return html`
    <section class="cover" aria-labelledby="refused-title">
      <h3 id="refused-title" tabindex="-1">${say("refused_title")}</h3>
      <p>${clinic.phone ? say("refused") : say("refused_no_phone")}</p>
      ${clinic.phone
        ? html`<a class="main" href=${dial(clinic.phone)}>${icons.phone}${say("call", { number: clinic.phone })}</a>`
        : nothing}
      <p class="notice-emergency">
        ${icons.alert}<span>${around(say("notice_emergency"), "{number}", number(clinic.emergency))}</span>
      </p>
      <button class="plain" @click=${() => ui.show("chat")}>${say("refused_back")}</button>
    </section>
  `;
}
