// The button on the page, with the number of unread messages, and the invitation beside it.
import { html, nothing, type TemplateResult } from "lit";
import * as icons from "../icons.ts";
import type { Say } from "../wording.ts";

interface Launcher {
  say: Say;
  lang: string;
  open: boolean;
  unread: number;
  inviting: boolean;
  toggle(): void;
  decline(): void;
}

export function unreadText(say: Say, count: number): string {
  return say(count === 1 ? "unread_one" : "unread_many", { count });
}

export function launcher({ say, lang, open, unread, inviting, toggle, decline }: Launcher): TemplateResult {
  return html`
    ${inviting
      ? html`<div class="invitation" part="invitation" lang=${lang}>
          <button class="invitation-text" @click=${toggle}>${say("invitation")}</button>
          <button class="icon-button" aria-label=${say("invitation_close")} @click=${decline}>${icons.close}</button>
        </div>`
      : nothing}
    <button
      id="launcher"
      class="launcher"
      part="launcher"
      lang=${lang}
      aria-expanded=${open ? "true" : "false"}
      aria-haspopup="dialog"
      aria-controls="panel"
      @click=${toggle}
    >
      ${open ? icons.down : icons.chat}
      <span class=${open ? "hidden" : "launcher-text"}>${say(open ? "launcher_close" : "launcher")}</span>
      ${unread && !open ? html`<span class="hidden">${unreadText(say, unread)}</span>` : nothing}
      ${unread && !open ? html`<span class="badge" part="badge" aria-hidden="true">${unread > 9 ? "9+" : unread}</span>` : nothing}
    </button>
  `;
}
