// Where the patient writes.
import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import * as icons from "../icons.ts";
import type { Ui } from "../ui.ts";

/** As the server counts: an emoji is one. */
export function characters(text: string): number {
  return [...text].length;
}

export function composer(ui: Ui): TemplateResult {
  const { say, draft, conversation } = ui;
  const { limit } = conversation;
  const count = characters(draft);
  const long = count > limit;
  const near = count > limit * 0.9;
  const said = long ? say("too_long", { count, limit }) : near ? say("left", { count: limit - count }) : nothing;
  return html`
    <form class="composer" part="composer" @submit=${(event: Event) => ui.submit(event)}>
      <label class="hidden" for="text">${say("composer")}</label>
      <textarea
        id="text"
        part="input"
        rows="1"
        dir="auto"
        enterkeyhint="send"
        autocomplete="off"
        placeholder=${say("placeholder")}
        aria-describedby=${long ? "count" : conversation.agreed ? nothing : "notice"}
        aria-invalid=${long ? "true" : nothing}
        .value=${live(draft)}
        @input=${(event: InputEvent) => ui.typed(event)}
        @keydown=${(event: KeyboardEvent) => ui.key(event)}
      ></textarea>
      <button class="send" part="send" aria-label=${say("send")} aria-disabled=${!draft.trim() || long ? "true" : nothing}>
        ${icons.send}
      </button>
      <p id="count" class="count ${long ? "problem" : "quiet"}">${said}</p>
    </form>
  `;
}
